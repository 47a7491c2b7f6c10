-- Sets the search_path, after prepare: our schema, then that of the application's tables, then that of pgvector. It
-- does not depend on the role's own, by which two roles would find two libraries, except before anything is migrated.
-- What is ours comes first, since an application may have a table cluster_runs of its own; only the owner may make
-- anything there.
--   fluffy_sql.home: the first schema of the role's own path, where tables are made.
--   fluffy_sql.own_photos: the table photos that the role's own path finds, if any.
-- Returns: nothing.
DO $$
DECLARE
    ours text := current_setting('fluffy_sql.schema');
    looking boolean := current_setting('fluffy_sql.looking');
    own text[] := array_remove(current_schemas(FALSE)::text[], ours);
    applications text[];
BEGIN
    IF EXISTS (
        SELECT FROM pg_class
        INNER JOIN pg_namespace ON relnamespace = pg_namespace.oid
        INNER JOIN pg_attribute ON pg_class.oid = attrelid
        WHERE
            nspname = ours
            AND relname = 'application_tables'
            AND attname = 'relation'
            AND atttypid = 'regclass'::regtype
            AND has_schema_privilege(pg_namespace.oid, 'USAGE')
            AND has_table_privilege(pg_class.oid, 'SELECT')
    ) THEN
        EXECUTE format(
            'SELECT array_agg(nspname::text ORDER BY known.name DESC) FROM %I.application_tables AS known'
            ' INNER JOIN pg_catalog.pg_class ON known.relation = pg_class.oid'
            ' INNER JOIN pg_catalog.pg_namespace ON relnamespace = pg_namespace.oid',
            ours
        ) INTO applications;
    END IF;
    PERFORM set_config('fluffy_sql.own_photos', coalesce(to_regclass('photos')::oid, 0)::text, looking);
    PERFORM set_config('fluffy_sql.home', coalesce(applications[1], own[1], ''), looking);
    PERFORM set_config(
        'search_path',
        (
            SELECT string_agg(quote_ident(place.name), ', ' ORDER BY place.first)
            FROM (
                SELECT
                    listed.name,
                    min(listed.number) AS first
                FROM unnest(
                    ARRAY[ours]
                    || CASE WHEN cardinality(applications) = 2 THEN applications ELSE applications || own END
                    || ARRAY(
                        SELECT pg_namespace.nspname::text
                        FROM pg_extension INNER JOIN pg_namespace ON extnamespace = pg_namespace.oid
                        WHERE extname = 'vector'
                    )
                    || ARRAY['pg_temp']
                ) WITH ORDINALITY AS listed (name, number)
                GROUP BY listed.name
            ) AS place
        ),
        looking
    );
END
$$;
