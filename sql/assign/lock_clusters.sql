-- Keeps the clusters that photos are about to leave or join as they are until the end of the transaction, waiting for
-- whoever is changing one. The lock is the one that counting photos takes, so that nobody can come between.
-- Returns: id, active; no row for a cluster that was deleted meanwhile.
SELECT
    id,
    status::text = '0' AS active
FROM clusters
WHERE
    id IN (
        SELECT unnest(ARRAY[from_cluster_id, to_cluster_id])
        FROM fluffy_sql_placements
        WHERE within_limit AND from_cluster_id IS DISTINCT FROM to_cluster_id
    )
ORDER BY id
FOR NO KEY UPDATE;
