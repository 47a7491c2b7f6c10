-- Writes how many photos each cluster has, where that is not what it says.
-- Returns: nothing; the row count is the clusters written.
UPDATE clusters
SET photos_count = counted.photos
FROM (
    SELECT
        cluster.id,
        coalesce(member.photos, 0) AS photos
    FROM clusters AS cluster
    LEFT JOIN (
        SELECT
            cluster_id,
            count(*) AS photos
        FROM photos
        GROUP BY cluster_id
    ) AS member ON cluster.id = member.cluster_id
) AS counted
WHERE clusters.id = counted.id AND clusters.photos_count IS DISTINCT FROM counted.photos;
