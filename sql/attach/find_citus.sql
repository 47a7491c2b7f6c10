-- Whether tables of this database may be distributed.
-- Returns: version; no row if not.
SELECT extversion AS version
FROM pg_extension
WHERE extname = 'citus';
