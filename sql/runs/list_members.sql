-- The photos of a cluster, most typical first.
-- Parameters: cluster_id bigint, most bigint (null: all)
-- Returns: photo_id, path, rank, distance (null: no centroid, or of another length).
SELECT
    photo_id,
    path,
    rank,
    distance
FROM cluster_members
WHERE cluster_id = %(cluster_id)s::bigint
ORDER BY rank ASC
LIMIT %(most)s::bigint;
