-- What views, functions and triggers were made from, and which of them are gone since.
-- Parameters: names text[] (of what is to be there)
-- Returns: digest (null: detached, or never made), photos (the library's own table), other_photos (the one that the
--   role's own search_path finds, if that is another), made_anew text[] (tables of the application that are others than
--   those that were migrated, or that nothing is known of), missing text[]; no row after a dump without rows.
SELECT
    definitions.digest,
    home.relnamespace::regnamespace || '.' || quote_ident(home.relname) AS photos,
    CASE
        -- an attached library has one of its own beside whatever there is
        WHEN
            known.relation <> found.oid
            AND home.relnamespace::regnamespace::text <> quote_ident(current_setting('fluffy_sql.schema'))
            THEN found.relnamespace::regnamespace || '.' || quote_ident(found.relname)
    END AS other_photos,
    array(
        SELECT used.name
        FROM unnest(ARRAY['photos', 'clusters']) AS used (name)
        LEFT JOIN application_tables AS recorded ON used.name = recorded.name
        WHERE recorded.relation IS NULL OR recorded.relation <> to_regclass(used.name)
    ) AS made_anew,
    array(
        SELECT wanted.name
        FROM unnest(%(names)s::text[]) AS wanted (name)
        WHERE
            NOT EXISTS (
                SELECT FROM pg_class
                INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
                WHERE pg_namespace.nspname = current_setting('fluffy_sql.schema') AND pg_class.relname = wanted.name
            )
            AND NOT EXISTS (
                SELECT FROM pg_proc
                INNER JOIN pg_namespace ON pg_proc.pronamespace = pg_namespace.oid
                WHERE pg_namespace.nspname = current_setting('fluffy_sql.schema') AND pg_proc.proname = wanted.name
            )
        ORDER BY wanted.name
    ) AS missing
FROM definitions
LEFT JOIN application_tables AS known ON known.name = 'photos'
LEFT JOIN pg_class AS home ON known.relation = home.oid
LEFT JOIN pg_class AS found ON current_setting('fluffy_sql.own_photos')::oid = found.oid;
