-- As cluster_neighbors, of a vector and among active clusters.
CREATE OR REPLACE FUNCTION vector_nearest_clusters(embedding vector, n bigint DEFAULT 1)
RETURNS TABLE (cluster_id bigint, distance double precision, metric text, name text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        measured.id AS cluster_id,
        measured.distance,
        measured.metric,
        measured.name
    FROM (
        SELECT
            active.id,
            active.name,
            active.metric,
            centroid_distance(fetched.embedding, active.centroid, active.metric) AS distance
        FROM unnest(ARRAY[$1]) AS fetched (embedding)
        CROSS JOIN (
            SELECT
                cluster.id::bigint AS id,
                cluster.name::text AS name,
                coalesce(run.metric, 'cosine') AS metric,
                vector(cluster.centroid, -1, FALSE) AS centroid
            FROM clusters AS cluster
            LEFT JOIN retired_clusters AS retired ON cluster.id = retired.cluster_id AND retired.returned_by IS NULL
            LEFT JOIN cluster_runs AS run ON cluster.run_id = run.id
            -- as scoped_clusters has it: with that, clusters would be scanned twice
            WHERE cluster.status::text = '0' AND retired.cluster_id IS NULL
            OFFSET 0
        ) AS active
        OFFSET 0
    ) AS measured
    WHERE measured.distance IS NOT NULL
    ORDER BY measured.distance, measured.id
    LIMIT $2;
END;

COMMENT ON FUNCTION vector_nearest_clusters(vector, bigint) IS
'Where a vector would go: the n active clusters (status 0, and not retired) whose centroids are nearest, each in the metric of its run; n null: all. Distances in different metrics do not compare. Clusters without a distance to it are left out. Example: SELECT * FROM vector_nearest_clusters((SELECT embedding FROM photos WHERE id = 1), n => 3);';
