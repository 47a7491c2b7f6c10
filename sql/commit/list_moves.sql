-- What a run moved, the largest moves first.
-- Parameters: run_id bigint
-- Returns: from_cluster_id (null: none), to_cluster_id (null: none), photos.
SELECT
    from_cluster_id,
    to_cluster_id,
    photos
FROM cluster_run_moves
WHERE run_id = %(run_id)s::bigint
ORDER BY photos DESC, from_cluster_id ASC NULLS FIRST, to_cluster_id ASC NULLS FIRST;
