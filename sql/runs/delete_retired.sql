-- Deletes clusters that are retired; after list_retired, in one transaction with lock_retired.
-- Parameters: cluster_ids bigint[]
-- Returns: nothing; the row count is the clusters.
WITH forgotten AS ( -- noqa: ST03
    DELETE FROM retired_clusters
    WHERE cluster_id = any(%(cluster_ids)s::bigint[])
)

DELETE FROM clusters
WHERE id = any(%(cluster_ids)s::bigint[]);
