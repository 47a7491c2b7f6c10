-- Those of some clusters that still take photos; after commit/lock_clusters, which keeps them as they are.
-- Parameters: cluster_ids bigint[]
-- Returns: id.
SELECT id
FROM scoped_clusters
WHERE id = any(%(cluster_ids)s::bigint[]) AND active
ORDER BY id;
