-- Writes how many photos each cluster has, where that is not what it says.
-- Returns: nothing; the row count is the clusters written.
UPDATE clusters
SET photos_count = counted.photos
FROM (
    SELECT
        cluster.id,
        count(photos.id) AS photos
    FROM clusters AS cluster
    LEFT JOIN photos ON cluster.id = photos.cluster_id
    GROUP BY cluster.id
) AS counted
WHERE clusters.id = counted.id AND clusters.photos_count IS DISTINCT FROM counted.photos;
