-- Says what a recluster made of the old clusters, after photos were moved.
-- Parameters: run_id bigint
-- Returns: nothing; the row count is the clusters.
UPDATE cluster_run_clusters AS recorded
SET
    photos = counted.photos,
    change = CASE WHEN counted.photos = 0 AND recorded.photos_before > 0 THEN 'emptied' ELSE 'kept' END
FROM (
    SELECT
        old.cluster_id,
        count(photos.id) AS photos
    FROM cluster_run_clusters AS old
    LEFT JOIN photos ON old.cluster_id = photos.cluster_id
    WHERE old.run_id = %(run_id)s::bigint
    GROUP BY old.cluster_id
) AS counted
WHERE recorded.run_id = %(run_id)s::bigint AND recorded.cluster_id = counted.cluster_id;
