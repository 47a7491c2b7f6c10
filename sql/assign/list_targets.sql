-- The clusters that photos are about to leave or join; after commit/lock_clusters, which keeps them as they are.
-- Returns: id, active; no row for a cluster that was deleted meanwhile.
SELECT
    id,
    status::text = '0' AS active
FROM clusters
WHERE
    id IN (
        SELECT unnest(ARRAY[from_cluster_id, to_cluster_id])
        FROM work_placements
        WHERE within_limit AND from_cluster_id IS DISTINCT FROM to_cluster_id
    )
ORDER BY id;
