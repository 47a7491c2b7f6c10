-- Checks the promise on what was written: takes a sample of the photos assigned and counts those for which some other
-- new cluster of their scope has a stored centroid that is nearer than their own. Distances are float4 sums, so equal
-- ones may differ by rounding: a millionth is allowed. Looked at are photos that this transaction placed (xmin), and
-- those that were where they belong already and are still as they were assigned; all others somebody else changed, or
-- is changing.
-- LATERAL and OFFSET 0 make it look up each photo by its key: the statistics were made before the photos were placed,
-- and a join planned by them took 5 s for 100,000 photos.
-- Parameters: labels integer[] (as in work_assignments), cluster_ids bigint[] (of each), normalize boolean,
--   seed bigint, photos bigint (how many to compare)
-- Returns: misplaced bigint.
SELECT count(*) AS misplaced
FROM (
    SELECT
        photo_id,
        label,
        row_version
    FROM work_assignments
    ORDER BY hashint8extended(photo_id, %(seed)s::bigint), photo_id
    LIMIT %(photos)s::bigint
) AS drawn
INNER JOIN unnest(%(labels)s::integer[], %(cluster_ids)s::bigint[]) AS made (label, cluster_id)
    ON drawn.label = made.label
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
WHERE distance.own > distance.nearest * 1.000001 + 1e-30;
