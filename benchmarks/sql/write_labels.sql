-- Puts every photo into its cluster.
-- Returns: nothing; the row count is the photos placed.
UPDATE photos
SET
    cluster_id = labels.cluster_id,
    updated_at = now()
FROM labels
WHERE photos.id = labels.photo_id;
