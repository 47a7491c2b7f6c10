-- count_misplaced, if photos are distributed: all that is sent of the sample is the highest hash in it, so each shard
-- looks up its own part by LATERAL and OFFSET 0. A join of the sample was planned last: 5 s for 20,000 photos at
-- k = 400, with clusters locked, where this takes 0.3 s (November 2026). Which photos this transaction placed, moves
-- tell; one of these that was embedded again just before is passed over, since it is no longer as far from its nearest
-- centroid as it was.
-- Parameters: labels integer[] (as in work_assignments), cluster_ids bigint[] (of each), normalize boolean,
--   seed bigint, photos bigint (how many to compare)
-- Returns: misplaced bigint.
WITH drawn AS MATERIALIZED (
    SELECT max(hash) AS last
    FROM (
        SELECT hashint8extended(photo_id, %(seed)s::bigint) AS hash
        FROM work_assignments
        ORDER BY hash
        LIMIT %(photos)s::bigint
    ) AS lowest
)

SELECT count(*) AS misplaced
FROM work_assignments AS assignment
INNER JOIN unnest(%(labels)s::integer[], %(cluster_ids)s::bigint[]) AS made (label, cluster_id)
    ON assignment.label = made.label
CROSS JOIN
    LATERAL (
        SELECT
            placed.cluster_id,
            placed.xmin AS row_version,
            moved.photo_id IS NOT NULL AS moved,
            comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding
        FROM photos AS placed
        INNER JOIN usable_photos AS usable ON placed.id = usable.id
        LEFT JOIN (
            SELECT written.photo_id
            FROM cluster_run_photo_moves AS written
            INNER JOIN cluster_runs AS run ON written.run_id = run.id
            WHERE run.status = 'running'
        ) AS moved ON placed.id = moved.photo_id
        WHERE
            placed.id = assignment.photo_id
            AND usable.id = assignment.photo_id
            AND placed.cluster_pinned IS NOT TRUE
        OFFSET 0
    ) AS photo
CROSS JOIN
    LATERAL (
        SELECT
            min(cluster.centroid <-> photo.embedding) AS nearest,
            min(cluster.centroid <-> photo.embedding) FILTER (WHERE cluster.id = photo.cluster_id) AS own
        FROM scoped_clusters AS own
        INNER JOIN scoped_clusters AS alike ON own.scope IS NOT DISTINCT FROM alike.scope
        INNER JOIN clusters AS cluster ON alike.id = cluster.id
        WHERE
            own.id = photo.cluster_id
            AND cluster.id = any(%(cluster_ids)s::bigint[])
            AND vector_dims(cluster.centroid) = vector_dims(photo.embedding)
    ) AS distance
WHERE
    hashint8extended(assignment.photo_id, %(seed)s::bigint) <= (SELECT drawn.last FROM drawn)
    AND (photo.moved OR (photo.row_version = assignment.row_version AND photo.cluster_id = made.cluster_id))
    AND abs(distance.nearest - assignment.distance) <= assignment.distance * 0.0001 + 1e-6
    AND distance.own > distance.nearest * 1.000001 + 1e-30;
