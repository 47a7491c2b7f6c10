-- Adds to photos_count all that triggers wrote down; waits for who has a cluster locked. After drop_counts.
-- Returns: nothing; the row count is the clusters.
WITH taken AS (
    DELETE FROM photo_count_changes
    RETURNING cluster_id, photos
)

UPDATE clusters
SET photos_count = coalesce(clusters.photos_count, 0) + net.photos
FROM (
    SELECT
        taken.cluster_id,
        sum(taken.photos) AS photos
    FROM taken
    GROUP BY taken.cluster_id
    HAVING sum(taken.photos) <> 0
) AS net
WHERE clusters.id = net.cluster_id;
