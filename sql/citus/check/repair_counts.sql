-- What mend_counts does, where photos are distributed and clusters are not: shards count first.
-- clock_timestamp() keeps the CTE apart: Citus would hand a single shard the whole statement, and refuse it.
-- Parameters: cluster_ids bigint[]
-- Returns: nothing; the row count is the clusters.
WITH member AS MATERIALIZED (
    SELECT
        cluster_id,
        count(*) AS photos
    FROM photos
    WHERE cluster_id = any(%(cluster_ids)s::bigint[]) AND clock_timestamp() IS NOT NULL
    GROUP BY cluster_id
)

UPDATE clusters
SET photos_count = counted.photos
FROM (
    SELECT
        asked.cluster_id,
        coalesce(member.photos, 0) AS photos
    FROM unnest(%(cluster_ids)s::bigint[]) AS asked (cluster_id)
    LEFT JOIN member ON asked.cluster_id = member.cluster_id
) AS counted
WHERE clusters.id = counted.cluster_id;
