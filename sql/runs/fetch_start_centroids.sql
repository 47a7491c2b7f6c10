-- Centroids to start a recluster from: of clusters that have photos and are of this metric, the largest first.
-- Photos are counted once: statistics of clusters that were just made are none, and a join counted them for each.
-- Parameters: metric text, dimensions integer
-- Returns: scope, centroid.
WITH member AS MATERIALIZED (
    SELECT
        cluster_id,
        count(*) AS photos
    FROM photos
    GROUP BY cluster_id
)

SELECT
    scoped.scope::bigint AS scope,
    cluster.centroid
FROM clusters AS cluster
INNER JOIN scoped_clusters AS scoped ON cluster.id = scoped.id
INNER JOIN cluster_runs AS run ON cluster.run_id = run.id
INNER JOIN member ON cluster.id = member.cluster_id
WHERE run.metric = %(metric)s::text AND vector_dims(cluster.centroid) = %(dimensions)s::integer
ORDER BY member.photos DESC, cluster.id ASC;
