-- The inner OFFSET 0 fetches a centroid once if it lies out of line, for vector() returns the value itself; unnest
-- would double the time of a pair. The outer one has a distance computed once for the filter and the order.
CREATE OR REPLACE FUNCTION cluster_neighbors(cluster_id bigint, n bigint DEFAULT 10)
RETURNS TABLE (neighbor_id bigint, distance double precision, name text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        measured.id AS neighbor_id,
        measured.distance,
        measured.name
    FROM (
        SELECT
            other.id,
            other.name,
            centroid_distance(other.centroid, fetched.centroid, run.metric) AS distance
        FROM clusters AS own
        LEFT JOIN cluster_runs AS run ON own.run_id = run.id
        CROSS JOIN LATERAL unnest(ARRAY[own.centroid]) AS fetched (centroid)
        CROSS JOIN (
            SELECT
                id::bigint AS id,
                name::text AS name,
                vector(centroid, -1, FALSE) AS centroid
            FROM clusters
            OFFSET 0
        ) AS other
        WHERE own.id = $1 AND other.id <> own.id
        OFFSET 0
    ) AS measured
    WHERE measured.distance IS NOT NULL
    ORDER BY measured.distance, measured.id
    LIMIT $2;
END;

COMMENT ON FUNCTION cluster_neighbors(bigint, bigint) IS
'The n clusters whose centroids are nearest to that of a cluster, of every run and status, in the metric of its own run; n null: all. Clusters without a distance to it are left out. Example: SELECT * FROM cluster_neighbors(1, n => 3);';
