-- Moves the photos of distributed tables that a run wrote down, each on its shard. One that somebody moved or pinned
-- meanwhile is left alone.
-- Parameters: run_id bigint
-- Returns: nothing; the row count is the photos moved.
UPDATE photos
SET
    cluster_id = moved.to_cluster_id,
    updated_at = now()
FROM cluster_run_photo_moves AS moved
WHERE
    moved.run_id = %(run_id)s::bigint
    AND photos.id = moved.photo_id
    AND photos.cluster_id IS NOT DISTINCT FROM moved.from_cluster_id
    AND photos.cluster_pinned IS NOT TRUE;
