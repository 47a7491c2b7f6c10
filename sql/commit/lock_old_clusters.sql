-- All clusters, with the photos in each: locked, so that none is deleted, named or changed until the end of the
-- transaction. Photos may come and go. The locks are taken first, since Citus locks rows of one table at a time.
-- Returns: id, scope, photos, centroid.
WITH locked AS MATERIALIZED (
    SELECT
        id,
        centroid
    FROM clusters
    ORDER BY id
    FOR NO KEY UPDATE
)

SELECT
    locked.id::bigint AS id,
    scoped.scope::bigint AS scope,
    coalesce(member.photos, 0) AS photos,
    locked.centroid
FROM locked
INNER JOIN scoped_clusters AS scoped ON locked.id = scoped.id
LEFT JOIN (
    SELECT
        cluster_id,
        count(*) AS photos
    FROM photos
    GROUP BY cluster_id
) AS member ON locked.id = member.cluster_id
ORDER BY locked.id;
