-- What find_strangers does, where photos are distributed: shards count them first, and then tell whose the first are.
-- Returns: cluster_id, scope (of the cluster; null: none), photos (how many of another), example_id, example_scope.
WITH stranger AS MATERIALIZED (
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
    stranger.cluster_id,
    stranger.scope,
    stranger.photos,
    stranger.example_id,
    example.scope::bigint AS example_scope
FROM usable_photos AS example
INNER JOIN stranger ON example.id = stranger.example_id
ORDER BY stranger.cluster_id;
