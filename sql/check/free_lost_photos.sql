-- Takes photos out of clusters that are gone, as the foreign key does if a cluster is deleted.
-- Returns: nothing; the row count is the photos.
UPDATE photos
SET
    cluster_id = NULL,
    updated_at = now()
WHERE
    cluster_id IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM clusters
        WHERE clusters.id = photos.cluster_id
    );
