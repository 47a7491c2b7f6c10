-- Clusters that hold usable photos of another scope: from before there were scopes, or since something that the view
-- usable_photos takes a scope from was changed elsewhere.
-- Returns: cluster_id, scope (of the cluster; null: none), photos (how many of another), example_id, example_scope.
WITH wrong AS MATERIALIZED (
    SELECT
        cluster.id AS cluster_id,
        cluster.scope::bigint AS scope,
        count(*) AS photos,
        min(usable.id) AS example_id
    FROM usable_photos AS usable
    INNER JOIN scoped_clusters AS cluster ON usable.cluster_id = cluster.id
    WHERE usable.scope IS DISTINCT FROM cluster.scope
    GROUP BY cluster.id, cluster.scope
)

SELECT
    wrong.cluster_id,
    wrong.scope,
    wrong.photos,
    wrong.example_id,
    example.scope::bigint AS example_scope
FROM usable_photos AS example
INNER JOIN wrong ON example.id = wrong.example_id
ORDER BY wrong.cluster_id;
