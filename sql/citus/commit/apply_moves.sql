-- Moves the photos that note_moves wrote down, each on its shard; but one whose row is another version now, since
-- somebody changed it meanwhile, perhaps while it was waited for here.
-- Parameters: run_id bigint
-- Returns: nothing; the row count is the photos moved.
UPDATE photos
SET
    cluster_id = moved.to_cluster_id,
    updated_at = now()
FROM cluster_run_photo_moves AS moved
INNER JOIN work_assignments AS assignment ON moved.photo_id = assignment.photo_id
WHERE
    moved.run_id = %(run_id)s::bigint
    AND photos.id = moved.photo_id
    AND photos.xmin = assignment.row_version;
