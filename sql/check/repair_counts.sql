-- Counts the photos of these clusters anew; after lock_clusters. What triggers wrote down for them is going to be
-- added.
-- Parameters: cluster_ids bigint[]
-- Returns: nothing; the row count is the clusters.
UPDATE clusters
SET photos_count = counted.photos
FROM (
    SELECT
        asked.cluster_id,
        count(photo.cluster_id) - (
            SELECT coalesce(sum(pending.photos), 0)
            FROM photo_count_changes AS pending
            WHERE pending.cluster_id = asked.cluster_id
        ) AS photos
    FROM unnest(%(cluster_ids)s::bigint[]) AS asked (cluster_id)
    LEFT JOIN photos AS photo ON asked.cluster_id = photo.cluster_id
    GROUP BY asked.cluster_id
) AS counted
WHERE clusters.id = counted.cluster_id;
