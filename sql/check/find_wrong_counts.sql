-- Clusters whose photos_count is not the number of their photos. In one statement, so that nobody's half-done work is
-- seen. An adopted table may hold null for none.
-- Returns: cluster_id, photos_count, photos; in the order of cluster_id.
SELECT
    cluster.id AS cluster_id,
    cluster.photos_count,
    coalesce(counted.photos, 0) AS photos
FROM clusters AS cluster
LEFT JOIN (
    SELECT
        cluster_id,
        count(*) AS photos
    FROM photos
    GROUP BY cluster_id
) AS counted ON cluster.id = counted.cluster_id
WHERE coalesce(cluster.photos_count, 0) <> coalesce(counted.photos, 0)
ORDER BY cluster.id;
