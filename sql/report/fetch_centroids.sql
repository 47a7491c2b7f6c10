-- The centroids of some clusters.
-- Parameters: cluster_ids bigint[] (each has a centroid)
-- Returns: id, centroid; by id.
SELECT
    id::bigint AS id,
    centroid
FROM clusters
WHERE id = any(%(cluster_ids)s::bigint[])
ORDER BY id;
