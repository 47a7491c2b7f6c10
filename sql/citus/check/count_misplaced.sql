-- count_misplaced, if photos are distributed: moves are drawn first, and their photos compared where they
-- lie. LATERAL names the sample, so that only its photos are compared: a join may be made last.
-- Parameters: photos bigint (how many to draw, together), fingerprint_vector vector (as in kmeans/assign_photos, as
--   long as any embedding)
-- Returns: run_id, looked_at, misplaced, recall (share that the run found at their nearest centroid), algorithm, once
--   (never, if photos are distributed); by run_id.
WITH drawn AS MATERIALIZED (
    SELECT
        moved.run_id,
        moved.photo_id,
        moved.to_cluster_id,
        moved.fingerprint
    FROM cluster_run_photo_moves AS moved
    INNER JOIN cluster_runs AS run ON moved.run_id = run.id AND run.recall IS NOT NULL
    INNER JOIN clusters AS cluster ON moved.to_cluster_id = cluster.id AND moved.run_id = cluster.run_id
    ORDER BY random()
    LIMIT %(photos)s::bigint
)

SELECT
    drawn.run_id,
    count(distance.own) AS looked_at,
    count(*) FILTER (WHERE distance.own > distance.nearest * 1.000001 + 1e-30) AS misplaced,
    min(run.recall) AS recall,
    min(run.algorithm) AS algorithm,
    FALSE AS once
FROM photos AS found
INNER JOIN usable_photos AS usable ON found.id = usable.id
INNER JOIN drawn ON found.id = drawn.photo_id
INNER JOIN cluster_runs AS run ON drawn.run_id = run.id
CROSS JOIN
    LATERAL (
        SELECT comparable_embedding(usable.embedding, run.metric = 'cosine') AS embedding
        WHERE found.cluster_id = drawn.to_cluster_id
        LIMIT 1
    ) AS photo
CROSS JOIN
    LATERAL (
        SELECT
            min(cluster.centroid <-> photo.embedding) AS nearest,
            min(cluster.centroid <-> photo.embedding) FILTER (WHERE cluster.id = drawn.to_cluster_id) AS own
        FROM scoped_clusters AS own
        INNER JOIN scoped_clusters AS alike ON own.scope IS NOT DISTINCT FROM alike.scope
        INNER JOIN clusters AS cluster ON alike.id = cluster.id
        WHERE
            own.id = drawn.to_cluster_id
            AND cluster.run_id = drawn.run_id
            AND vector_dims(cluster.centroid) = vector_dims(photo.embedding)
    ) AS distance
WHERE
    abs(
        (photo.embedding <#> subvector(%(fingerprint_vector)b::vector, 1, vector_dims(photo.embedding)))
        - drawn.fingerprint
    )
    <= 0.00001 * CASE WHEN run.metric = 'cosine' THEN 1 ELSE greatest(vector_norm(photo.embedding), 1e-30) END
    AND found.cluster_pinned IS NOT TRUE
GROUP BY drawn.run_id
ORDER BY drawn.run_id;
