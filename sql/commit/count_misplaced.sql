-- Checks the promise on what was written: takes a sample of the photos assigned and counts those for which some other
-- new cluster of their scope has a stored centroid that is nearer than their own. Distances are float4 sums, so equal
-- ones may differ by rounding: a millionth is allowed. Looked at are photos that this transaction placed (xmin), and
-- those that were where they belong already and are still as they were assigned; all others somebody else changed, or
-- is changing.
-- Photos that went with the best of their group of near-duplicates are not looked at.
-- LATERAL and OFFSET 0 make it look up each photo by its key: the statistics were made before the photos were placed,
-- and a join planned by them took 5 s for 100,000 photos. Clusters are read once: looked up for each photo, 200 of them
-- took 0.5 s more for 1,000 photos (November 2026).
-- Parameters: labels integer[] (as in work_assignments), cluster_ids bigint[] (of each), normalize boolean,
--   seed bigint, photos bigint (how many to compare)
-- Returns: misplaced bigint.
WITH made AS MATERIALIZED (
    SELECT
        target.label,
        cluster.id AS cluster_id,
        scoped.scope,
        vector(cluster.centroid, -1, FALSE) AS centroid
    FROM unnest(%(labels)s::integer[], %(cluster_ids)s::bigint[]) AS target (label, cluster_id)
    INNER JOIN clusters AS cluster ON target.cluster_id = cluster.id
    INNER JOIN scoped_clusters AS scoped ON cluster.id = scoped.id
)

SELECT count(*) AS misplaced
FROM (
    SELECT
        photo_id,
        label,
        row_version
    FROM work_assignments
    WHERE
        NOT EXISTS (
            SELECT FROM work_duplicates AS aside
            WHERE aside.photo_id = work_assignments.photo_id
        )
    ORDER BY hashint8extended(photo_id, %(seed)s::bigint), photo_id
    LIMIT %(photos)s::bigint
) AS drawn
INNER JOIN made ON drawn.label = made.label
CROSS JOIN
    LATERAL (
        SELECT
            placed.cluster_id,
            comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding
        FROM photos AS placed
        INNER JOIN usable_photos AS usable ON placed.id = usable.id
        WHERE
            placed.id = drawn.photo_id
            AND usable.id = drawn.photo_id
            AND placed.cluster_pinned IS NOT TRUE
            AND (
                placed.xmin = pg_current_xact_id()::xid
                OR (placed.xmin = drawn.row_version AND placed.cluster_id = made.cluster_id)
            )
        OFFSET 0
    ) AS photo
CROSS JOIN
    LATERAL (
        SELECT
            min(other.centroid <-> photo.embedding) AS nearest,
            min(other.centroid <-> photo.embedding) FILTER (WHERE other.cluster_id = photo.cluster_id) AS own
        FROM made AS other
        WHERE
            other.scope IS NOT DISTINCT FROM made.scope
            AND vector_dims(other.centroid) = vector_dims(photo.embedding)
    ) AS distance
WHERE distance.own > distance.nearest * 1.000001 + 1e-30;
