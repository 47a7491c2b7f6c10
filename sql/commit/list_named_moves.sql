-- What a run moved, with the names of clusters.
-- Parameters: run_id bigint
-- Returns: from_cluster_id, from_name, to_cluster_id, to_name, photos; most photos first.
SELECT
    moved.from_cluster_id,
    origin.name AS from_name,
    moved.to_cluster_id,
    target.name AS to_name,
    moved.photos
FROM cluster_run_moves AS moved
LEFT JOIN clusters AS origin ON moved.from_cluster_id = origin.id
LEFT JOIN clusters AS target ON moved.to_cluster_id = target.id
WHERE moved.run_id = %(run_id)s::bigint
ORDER BY moved.photos DESC, moved.from_cluster_id ASC NULLS FIRST, moved.to_cluster_id ASC;
