-- Whether Citus has distributed photos over several servers. Only if the extension is there.
-- Returns: one boolean.
SELECT count(*) > 0 AS is_distributed
FROM pg_dist_partition
WHERE logicalrelid = to_regclass('photos');
