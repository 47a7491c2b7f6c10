-- Clusters whose photos_count, with what triggers wrote down and could not add yet, is not the number of their photos.
-- In one statement, so that no half-done work is seen. An adopted table may hold null for none. A cluster that
-- the next fold will count is passed over. (SELECT 1, since Citus carries no rows without a column.)
-- Returns: cluster_id, photos_count (with what is to be added), photos; in the order of cluster_id.
SELECT
    cluster.id AS cluster_id,
    counted.photos AS photos_count,
    coalesce(member.photos, 0) AS photos
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
        sum(photos)::bigint AS photos,
        bool_or(photos IS NULL) AS to_be_counted
    FROM photo_count_changes
    GROUP BY cluster_id
) AS pending ON cluster.id = pending.cluster_id
CROSS JOIN LATERAL (SELECT coalesce(cluster.photos_count, 0) + coalesce(pending.photos, 0) AS photos) AS counted
WHERE
    counted.photos <> coalesce(member.photos, 0)
    AND pending.to_be_counted IS NOT TRUE
    AND NOT EXISTS (
        SELECT 1 AS one FROM photo_count_changes
        WHERE cluster_id IS NULL
    )
ORDER BY cluster.id;
