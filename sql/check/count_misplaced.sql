-- Of each run whose clusters are there, takes some photos that it moved and whose embedding is as it was then (by its
-- fingerprint), in a new sample each time, and counts those for which another cluster of that run and of their scope is
-- nearer than their own. Each of its moves gets its share of the sample. Equal distances may differ by rounding:
-- a millionth is allowed.
-- A photo that went with the best of its group of near-duplicates may be nearer to another cluster: those in groups are
-- not looked at.
-- Parameters: photos bigint (how many to draw, together), fingerprint_vector vector (as in kmeans/assign_photos, as
--   long as any embedding)
-- Returns: run_id, looked_at, misplaced, recall (share that the run found at their nearest centroid), algorithm, once
--   (whether it clustered one photo of each group of near-duplicates); by run_id.
SELECT
    drawn.run_id,
    count(distance.own) AS looked_at,
    count(*) FILTER (WHERE distance.own > distance.nearest * 1.000001 + 1e-30) AS misplaced,
    min(drawn.recall) AS recall,
    min(drawn.algorithm) AS algorithm,
    bool_or(drawn.once) AS once
FROM (
    SELECT DISTINCT
        moved.run_id,
        moved.to_cluster_id,
        run.metric,
        run.recall,
        run.algorithm,
        coalesce(run.settings ->> 'duplicates' = 'once', FALSE) AS once,
        moved.photo_ids[draw.place] AS photo_id,
        moved.fingerprints[draw.place] AS fingerprint
    FROM cluster_run_moves AS moved
    INNER JOIN cluster_runs AS run ON moved.run_id = run.id AND run.recall IS NOT NULL
    INNER JOIN clusters AS cluster ON moved.to_cluster_id = cluster.id AND moved.run_id = cluster.run_id
    CROSS JOIN (SELECT sum(photos) AS photos FROM cluster_run_moves) AS moves
    CROSS JOIN
        LATERAL (
            SELECT 1 + floor(random() * moved.photos)::integer AS place
            FROM generate_series(1, ceil(%(photos)s::bigint * moved.photos / moves.photos)::integer)
        ) AS draw
) AS drawn
CROSS JOIN
    LATERAL (
        SELECT comparable_embedding(usable.embedding, drawn.metric = 'cosine') AS embedding
        FROM photos AS found
        INNER JOIN usable_photos AS usable ON found.id = usable.id
        WHERE
            found.id = drawn.photo_id
            AND usable.id = drawn.photo_id
            AND found.cluster_id = drawn.to_cluster_id
            AND found.cluster_pinned IS NOT TRUE
            AND NOT (
                drawn.once
                AND EXISTS (
                    SELECT
                    FROM photo_duplicates AS alike
                    WHERE alike.photo_id = drawn.photo_id
                )
            )
        OFFSET 0
    ) AS photo
CROSS JOIN
    LATERAL (
        SELECT
            min(near.centroid <-> photo.embedding) AS nearest,
            min(near.centroid <-> photo.embedding) FILTER (WHERE near.id = drawn.to_cluster_id) AS own
        FROM scoped_clusters AS own
        INNER JOIN scoped_clusters AS alike ON own.scope IS NOT DISTINCT FROM alike.scope
        INNER JOIN clusters AS near ON alike.id = near.id
        WHERE
            own.id = drawn.to_cluster_id
            AND near.run_id = drawn.run_id
            AND vector_dims(near.centroid) = vector_dims(photo.embedding)
    ) AS distance
WHERE
    abs(
        (photo.embedding <#> subvector(%(fingerprint_vector)b::vector, 1, vector_dims(photo.embedding)))
        - drawn.fingerprint
    )
    <= 0.00001 * CASE WHEN drawn.metric = 'cosine' THEN 1 ELSE greatest(vector_norm(photo.embedding), 1e-30) END
GROUP BY drawn.run_id
ORDER BY drawn.run_id;
