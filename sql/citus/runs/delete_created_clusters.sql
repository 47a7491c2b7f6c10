-- What delete_created_clusters does, where photos are distributed and clusters are not: shards tell first which
-- clusters have photos.
-- clock_timestamp() keeps the CTE apart: Citus would hand a single shard the whole statement, and refuse it.
-- Parameters: run_id bigint
-- Returns: nothing; the row count is the clusters.
WITH filled AS MATERIALIZED (
    SELECT DISTINCT cluster_id
    FROM photos
    WHERE cluster_id IS NOT NULL AND clock_timestamp() IS NOT NULL
)

DELETE FROM clusters
USING cluster_run_clusters AS made
WHERE
    made.run_id = %(run_id)s::bigint
    AND made.change = 'created'
    AND clusters.id = made.cluster_id
    AND clusters.name IS NULL
    AND clusters.status::text = '0'
    AND clusters.id NOT IN (SELECT filled.cluster_id FROM filled);
