-- Makes the extension pgvector, if it is missing: where the application's tables are, and not in our schema, for it has
-- to outlive that.
-- Returns: nothing.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector') THEN
        EXECUTE format('CREATE EXTENSION vector SCHEMA %I', current_setting('fluffy_sql.home'));
    END IF;
END
$$;
