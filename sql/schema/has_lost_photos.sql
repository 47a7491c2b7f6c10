-- Whether some photos are in a cluster that is not there. Only if both tables and the column are.
-- Returns: has_lost_photos boolean.
SELECT count(*) > 0 AS has_lost_photos
FROM (
    SELECT FROM photos
    WHERE
        photos.cluster_id IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM clusters
            WHERE clusters.id = photos.cluster_id
        )
    LIMIT 1
) AS first;
