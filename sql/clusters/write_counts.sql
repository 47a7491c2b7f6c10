-- Counts the photos of new clusters.
-- Parameters: cluster_ids bigint[]
-- Returns: nothing; the row count is the clusters that have photos.
UPDATE clusters
SET photos_count = counted.photos
FROM (
    SELECT
        cluster_id,
        count(*) AS photos
    FROM photos
    WHERE cluster_id = any(%(cluster_ids)s::bigint[])
    GROUP BY cluster_id
) AS counted
WHERE clusters.id = counted.cluster_id;
