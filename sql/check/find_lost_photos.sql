-- Photos whose cluster is gone: an adopted table may have had some before it got a foreign key, which then is NOT
-- VALID.
-- Returns: cluster_id (of which there is none), photos; in the order of cluster_id.
SELECT
    photo.cluster_id,
    count(*) AS photos
FROM photos AS photo
LEFT JOIN clusters AS cluster ON photo.cluster_id = cluster.id
WHERE photo.cluster_id IS NOT NULL AND cluster.id IS NULL
GROUP BY photo.cluster_id
ORDER BY photo.cluster_id;
