-- Checks the promise on what was written: takes a sample of the photos just placed and counts those for which
-- some other new cluster of their scope has a stored centroid that is nearer than their own. Distances are float4 sums,
-- so equal ones may differ by rounding: a millionth is allowed. A photo that was embedded anew since it was assigned is
-- passed over: its nearest centroid is no longer as far from it as the one it was assigned to. LATERAL and OFFSET 0
-- make it look up each photo by its key: the statistics were made before the photos were placed, and a join planned by
-- them took 5 s for 100,000 photos.
-- Parameters: cluster_ids bigint[], normalize boolean, seed bigint, photos bigint (how many to look at)
-- Returns: one count.
SELECT count(*) AS misplaced
FROM (
    SELECT
        photo_id,
        distance
    FROM fluffy_sql_assignments
    ORDER BY hashint8extended(photo_id, %(seed)s::bigint), photo_id
    LIMIT %(photos)s::bigint
) AS drawn
CROSS JOIN
    LATERAL (
        SELECT
            placed.cluster_id,
            CASE
                WHEN %(normalize)s::boolean THEN l2_normalize(placed.embedding)
                ELSE vector(placed.embedding, -1, FALSE)
            END AS embedding
        FROM photos AS placed
        WHERE
            placed.id = drawn.photo_id
            AND placed.cluster_id = any(%(cluster_ids)s::bigint[])
            AND placed.cluster_pinned IS NOT TRUE
        OFFSET 0
    ) AS photo
CROSS JOIN
    LATERAL (
        SELECT
            min(cluster.centroid <-> photo.embedding) AS nearest,
            min(cluster.centroid <-> photo.embedding) FILTER (WHERE cluster.id = photo.cluster_id) AS own
        FROM scoped_clusters AS cluster
        INNER JOIN scoped_clusters AS own ON cluster.scope IS NOT DISTINCT FROM own.scope
        WHERE
            own.id = photo.cluster_id
            AND cluster.id = any(%(cluster_ids)s::bigint[])
            AND vector_dims(cluster.centroid) = vector_dims(photo.embedding)
    ) AS distance
WHERE
    abs(distance.nearest - drawn.distance) <= drawn.distance * 0.0001 + 1e-6
    AND distance.own > distance.nearest * 1.000001 + 1e-30;
