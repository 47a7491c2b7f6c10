-- Measures the indexes that a run keeps up: those of the table whose cluster_id it writes.
-- Returns: one row: index_bytes.
SELECT pg_indexes_size('photos'::regclass) AS index_bytes;
