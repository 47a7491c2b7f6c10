-- Makes the extension pgvector, if it is missing: in the schema of the application's tables, since it has to outlive
-- ours.
-- Returns: nothing.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector') THEN
        EXECUTE format(
            'CREATE EXTENSION vector SCHEMA %I',
            coalesce(
                nullif(current_setting('fluffy_sql.home_of_others', TRUE), ''), current_setting('fluffy_sql.home')
            )
        );
    END IF;
END
$$;
