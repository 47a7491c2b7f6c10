-- Whether the extension citus is created in this database.
-- Returns: has_citus boolean.
SELECT count(*) > 0 AS has_citus
FROM pg_extension
WHERE extname = 'citus';
