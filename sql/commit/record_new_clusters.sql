-- Keeps which clusters a run made, and with how many photos; not those it took back, since they got none.
-- Parameters: run_id bigint, cluster_ids bigint[]
-- Returns: nothing; the row count is the clusters.
INSERT INTO cluster_run_clusters (run_id, cluster_id, change, photos, photos_before)
SELECT
    %(run_id)s::bigint AS run_id,
    cluster.id AS cluster_id,
    'created' AS change,
    coalesce(moved.photos, 0) AS photos,
    0 AS photos_before
FROM clusters AS cluster
LEFT JOIN (
    SELECT
        to_cluster_id,
        sum(photos) AS photos
    FROM cluster_run_moves
    WHERE run_id = %(run_id)s::bigint
    GROUP BY to_cluster_id
) AS moved ON cluster.id = moved.to_cluster_id
WHERE cluster.id = any(%(cluster_ids)s::bigint[]);
