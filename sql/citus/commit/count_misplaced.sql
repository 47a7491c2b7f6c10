-- count_misplaced, if photos are distributed: the ids are drawn first, and their photos compared where
-- they lie. Which of them this transaction placed, moves tell; one of these that was embedded again just before is
-- passed over, since it is no longer as far from its nearest centroid as it was.
-- Parameters: labels integer[] (as in work_assignments), cluster_ids bigint[] (of each), normalize boolean,
--   seed bigint, photos bigint (how many to compare)
-- Returns: misplaced bigint.
WITH drawn AS MATERIALIZED (
    SELECT
        photo_id,
        label,
        distance,
        row_version
    FROM work_assignments
    ORDER BY hashint8extended(photo_id, %(seed)s::bigint), photo_id
    LIMIT %(photos)s::bigint
)

SELECT count(*) AS misplaced
FROM photos AS placed
INNER JOIN usable_photos AS usable ON placed.id = usable.id
INNER JOIN drawn ON placed.id = drawn.photo_id
INNER JOIN unnest(%(labels)s::integer[], %(cluster_ids)s::bigint[]) AS made (label, cluster_id)
    ON drawn.label = made.label
LEFT JOIN (
    SELECT written.photo_id
    FROM cluster_run_photo_moves AS written
    INNER JOIN cluster_runs AS run ON written.run_id = run.id
    WHERE run.status = 'running'
) AS moved ON placed.id = moved.photo_id
CROSS JOIN LATERAL (SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding LIMIT 1) AS photo
CROSS JOIN
    LATERAL (
        SELECT
            min(cluster.centroid <-> photo.embedding) AS nearest,
            min(cluster.centroid <-> photo.embedding) FILTER (WHERE cluster.id = placed.cluster_id) AS own
        FROM scoped_clusters AS own
        INNER JOIN scoped_clusters AS alike ON own.scope IS NOT DISTINCT FROM alike.scope
        INNER JOIN clusters AS cluster ON alike.id = cluster.id
        WHERE
            own.id = placed.cluster_id
            AND cluster.id = any(%(cluster_ids)s::bigint[])
            AND vector_dims(cluster.centroid) = vector_dims(photo.embedding)
    ) AS distance
WHERE
    placed.cluster_pinned IS NOT TRUE
    AND (
        moved.photo_id IS NOT NULL
        OR (placed.xmin = drawn.row_version AND placed.cluster_id = made.cluster_id)
    )
    AND abs(distance.nearest - drawn.distance) <= drawn.distance * 0.0001 + 1e-6
    AND distance.own > distance.nearest * 1.000001 + 1e-30;
