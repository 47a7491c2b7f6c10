-- Adds to photos_count all that triggers wrote down; waits for who has a cluster locked. After drop_counts.
-- Returns: nothing; the row count is the clusters.
WITH taken AS (
    DELETE FROM photo_count_changes
    RETURNING cluster_id, photos
)

UPDATE clusters
SET
    photos_count = CASE
        WHEN net.to_be_counted
            THEN (
                SELECT count(*) FROM photos
                WHERE photos.cluster_id = clusters.id
            )
        ELSE coalesce(clusters.photos_count, 0) + net.photos
    END
FROM (
    SELECT
        cluster.id AS cluster_id,
        sum(taken.photos) AS photos,
        bool_or(taken.photos IS NULL) AS to_be_counted
    FROM clusters AS cluster
    INNER JOIN taken ON cluster.id = coalesce(taken.cluster_id, cluster.id)
    GROUP BY cluster.id
) AS net
WHERE clusters.id = net.cluster_id;
