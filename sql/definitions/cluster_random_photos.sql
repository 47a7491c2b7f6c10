-- Draws first, then fetches and measures only what was drawn.
CREATE OR REPLACE FUNCTION cluster_random_photos(cluster_id bigint, n bigint DEFAULT 10, seed bigint DEFAULT 0)
RETURNS TABLE (distance double precision, photo_id bigint, path text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        centroid_distance(fetched.embedding, cluster.centroid, run.metric) AS distance,
        drawn.id AS photo_id,
        drawn.path
    FROM clusters AS cluster
    LEFT JOIN cluster_runs AS run ON cluster.run_id = run.id
    CROSS JOIN
        LATERAL (
            SELECT
                photo.id::bigint AS id,
                photo.path::text AS path,
                photo.embedding,
                hashint8extended(photo.id::bigint, coalesce($3, 0)) AS draw
            FROM usable_photos AS photo
            WHERE photo.cluster_id = cluster.id
            ORDER BY draw, id
            LIMIT $2
        ) AS drawn
    CROSS JOIN LATERAL unnest(ARRAY[drawn.embedding]) AS fetched (embedding)
    WHERE cluster.id = $1
    ORDER BY drawn.draw, drawn.id;
END;

COMMENT ON FUNCTION cluster_random_photos(bigint, bigint, bigint) IS
'n photos of a cluster, drawn by a hash of id and seed: the same ones for the same seed; n null: all, shuffled. The distance is that of cluster_members, null if nothing can be measured. Example: SELECT * FROM cluster_random_photos(1, n => 5, seed => 42);';
