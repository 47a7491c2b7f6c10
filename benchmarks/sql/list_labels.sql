-- The cluster of each photo.
-- Returns: cluster_id (0: none), in the order of the photos' ids.
SELECT coalesce(cluster_id, 0) AS cluster_id
FROM photos
ORDER BY id;
