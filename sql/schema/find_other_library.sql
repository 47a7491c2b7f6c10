-- Notes in fluffy_sql.other_library which other schema of this database holds the library of photos or clusters.
-- Returns: nothing.
DO $$
DECLARE
    other text;
    theirs boolean;
BEGIN
    PERFORM set_config('fluffy_sql.other_library', '', FALSE);
    FOR other IN
        SELECT nspname
        FROM pg_class
        INNER JOIN pg_namespace ON relnamespace = pg_namespace.oid
        INNER JOIN pg_attribute ON pg_class.oid = attrelid
        WHERE
            relname = 'application_tables'
            AND attname = 'relation'
            AND atttypid = 'regclass'::regtype
            AND nspname <> current_setting('fluffy_sql.schema')
            AND has_schema_privilege(pg_namespace.oid, 'USAGE')
            AND has_table_privilege(pg_class.oid, 'SELECT')
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I.application_tables WHERE relation IN ($1, $2))', other)
        INTO theirs USING to_regclass('photos'), to_regclass('clusters');
        IF theirs THEN
            PERFORM set_config('fluffy_sql.other_library', other, FALSE);
        END IF;
    END LOOP;
END
$$;
