-- What the server is and what it offers: asked before anything is migrated, and recorded with a run.
-- Returns: server_version_num, postgres_version, pgvector_version (null if it is not created in this
--   database), pgvector_available (null if the server does not have it).
SELECT
    current_setting('server_version_num')::integer AS server_version_num,
    current_setting('server_version') AS postgres_version,
    (
        SELECT extversion FROM pg_extension
        WHERE extname = 'vector'
    ) AS pgvector_version,
    (
        SELECT default_version FROM pg_available_extensions
        WHERE name = 'vector'
    ) AS pgvector_available;
