-- All clusters, with the photos in each: locked, so that none is deleted, named or changed until the end of the
-- transaction. Photos may come and go.
-- Returns: id, scope, photos, centroid.
SELECT
    cluster.id::bigint AS id,
    scoped.scope::bigint AS scope,
    coalesce(member.photos, 0) AS photos,
    cluster.centroid
FROM clusters AS cluster
INNER JOIN scoped_clusters AS scoped ON cluster.id = scoped.id
LEFT JOIN (
    SELECT
        cluster_id,
        count(*) AS photos
    FROM photos
    GROUP BY cluster_id
) AS member ON cluster.id = member.cluster_id
ORDER BY cluster.id
FOR NO KEY UPDATE OF cluster;
