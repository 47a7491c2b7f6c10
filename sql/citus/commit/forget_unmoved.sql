-- Forgets photos that note_moves wrote down and apply_moves then passed over, or that are gone.
-- Parameters: run_id bigint
-- Returns: nothing; the row count is the photos.
DELETE FROM cluster_run_photo_moves AS moved
WHERE
    moved.run_id = %(run_id)s::bigint
    AND NOT EXISTS (
        SELECT FROM photos
        WHERE photos.id = moved.photo_id AND photos.cluster_id IS NOT DISTINCT FROM moved.to_cluster_id
    );
