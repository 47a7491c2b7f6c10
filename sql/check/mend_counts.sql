-- Counts the photos of these clusters anew; after lock_clusters.
-- Parameters: cluster_ids bigint[]
-- Returns: nothing; the row count is the clusters.
UPDATE clusters
SET photos_count = counted.photos
FROM (
    SELECT
        asked.cluster_id,
        count(photo.cluster_id) AS photos
    FROM unnest(%(cluster_ids)s::bigint[]) AS asked (cluster_id)
    LEFT JOIN photos AS photo ON asked.cluster_id = photo.cluster_id
    GROUP BY asked.cluster_id
) AS counted
WHERE clusters.id = counted.cluster_id;
