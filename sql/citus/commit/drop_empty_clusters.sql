-- What drop_empty does, where photos are distributed and clusters are not: shards tell first which clusters have
-- photos.
-- clock_timestamp() keeps the CTE apart: Citus would hand a single shard the whole statement, and refuse it.
-- Parameters: cluster_ids bigint[]
-- Returns: nothing; the row count is how many there were.
WITH filled AS MATERIALIZED (
    SELECT DISTINCT cluster_id
    FROM photos
    WHERE cluster_id = any(%(cluster_ids)s::bigint[]) AND clock_timestamp() IS NOT NULL
)

DELETE FROM clusters
WHERE
    id = any(%(cluster_ids)s::bigint[])
    AND id NOT IN (SELECT filled.cluster_id FROM filled);
