-- Keeps how many photos note_moves and apply_moves took from each cluster to each; shards count their own.
-- Parameters: run_id bigint
-- Returns: from_cluster_id (null: none), to_cluster_id (null: none), photos.
INSERT INTO cluster_run_moves (run_id, from_cluster_id, to_cluster_id, photos, photo_ids)
SELECT
    %(run_id)s::bigint AS run_id,
    from_cluster_id,
    to_cluster_id,
    count(*) AS photos,
    '{}' AS photo_ids
FROM cluster_run_photo_moves
WHERE run_id = %(run_id)s::bigint
GROUP BY from_cluster_id, to_cluster_id
RETURNING from_cluster_id, to_cluster_id, photos;
