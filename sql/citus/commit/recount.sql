-- What recount does, where photos are distributed and clusters are not: shards count first.
-- clock_timestamp() keeps the CTE apart: Citus would hand a single shard the whole statement, and refuse it.
-- Returns: nothing; the row count is the clusters written.
WITH member AS MATERIALIZED (
    SELECT
        cluster_id,
        count(*) AS photos
    FROM photos
    WHERE clock_timestamp() IS NOT NULL
    GROUP BY cluster_id
)

UPDATE clusters
SET photos_count = counted.photos
FROM (
    SELECT
        cluster.id,
        coalesce(member.photos, 0) AS photos
    FROM clusters AS cluster
    LEFT JOIN member ON cluster.id = member.cluster_id
) AS counted
WHERE clusters.id = counted.id AND clusters.photos_count IS DISTINCT FROM counted.photos;
