-- What a run records about the server.
-- Returns: postgres_version, pgvector_version.
SELECT
    current_setting('server_version') AS postgres_version,
    (
        SELECT extversion FROM pg_extension
        WHERE extname = 'vector'
    ) AS pgvector_version;
