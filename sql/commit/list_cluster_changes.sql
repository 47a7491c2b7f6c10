-- What a run made of clusters, those with a name first.
-- Parameters: run_id bigint
-- Returns: cluster_id, name, change, photos_before, photos.
SELECT
    changed.cluster_id,
    cluster.name::text AS name,
    changed.change,
    changed.photos_before,
    changed.photos
FROM cluster_run_clusters AS changed
LEFT JOIN clusters AS cluster ON changed.cluster_id = cluster.id
WHERE changed.run_id = %(run_id)s::bigint AND (changed.photos > 0 OR changed.photos_before > 0)
ORDER BY cluster.name IS NULL ASC, changed.photos_before DESC, changed.cluster_id ASC;
