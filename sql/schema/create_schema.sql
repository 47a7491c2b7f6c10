-- Makes the schema of everything that is ours, if it is missing.
-- Returns: nothing.
DO $$
DECLARE
    ours text := current_setting('fluffy_sql.schema');
BEGIN
    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = ours) THEN
        EXECUTE format('CREATE SCHEMA %I', ours);
        EXECUTE format(
            'COMMENT ON SCHEMA %I IS %L',
            ours,
            'What fluffy_sql keeps of the photo library: runs, views, functions, work tables. Made by fluffy-sql migrate.'
        );
    END IF;
END
$$;
