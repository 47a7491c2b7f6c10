-- Writes how many photos each cluster has, where that is not what it says. What triggers wrote down for it, of what
-- others did, is going to be added.
-- Returns: nothing; the row count is the clusters written.
UPDATE clusters
SET photos_count = counted.photos
FROM (
    SELECT
        cluster.id,
        coalesce(member.photos, 0) - coalesce(pending.photos, 0) AS photos
    FROM clusters AS cluster
    LEFT JOIN (
        SELECT
            cluster_id,
            count(*) AS photos
        FROM photos
        GROUP BY cluster_id
    ) AS member ON cluster.id = member.cluster_id
    LEFT JOIN (
        SELECT
            cluster_id,
            sum(photos) AS photos
        FROM photo_count_changes
        GROUP BY cluster_id
    ) AS pending ON cluster.id = pending.cluster_id
) AS counted
WHERE clusters.id = counted.id AND clusters.photos_count IS DISTINCT FROM counted.photos;
