-- Locks the retired clusters, so that no row begins to refer to one until the end of the transaction.
-- Returns: nothing; the row count is the clusters.
SELECT FROM clusters
WHERE
    id IN (
        SELECT cluster_id FROM retired_clusters
        WHERE returned_by IS NULL
    )
ORDER BY id
FOR UPDATE;
