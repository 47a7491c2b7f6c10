-- Writes how many photos clusters have, if they say otherwise; after the clusters were locked. What triggers wrote down
-- for them, of what others did, is going to be added.
-- clock_timestamp() keeps the CTE apart: Citus would hand a single shard the whole statement, and refuse it.
-- Parameters: cluster_ids bigint[] (null: all)
-- Returns: nothing; the row count is the clusters written.
WITH member AS MATERIALIZED (
    SELECT
        cluster_id,
        count(*) AS photos
    FROM photos
    WHERE
        (%(cluster_ids)s::bigint[] IS NULL OR cluster_id = any(%(cluster_ids)s::bigint[]))
        AND clock_timestamp() IS NOT NULL
    GROUP BY cluster_id
),

pending AS MATERIALIZED (
    SELECT
        cluster_id,
        sum(photos) AS photos
    FROM photo_count_changes
    GROUP BY cluster_id
)

UPDATE clusters
SET photos_count = counted.photos
FROM (
    SELECT
        cluster.id,
        coalesce(member.photos, 0) - coalesce(pending.photos, 0) AS photos
    FROM clusters AS cluster
    LEFT JOIN member ON cluster.id = member.cluster_id
    LEFT JOIN pending ON cluster.id = pending.cluster_id
    WHERE %(cluster_ids)s::bigint[] IS NULL OR cluster.id = any(%(cluster_ids)s::bigint[])
) AS counted
WHERE clusters.id = counted.id AND clusters.photos_count IS DISTINCT FROM counted.photos;
