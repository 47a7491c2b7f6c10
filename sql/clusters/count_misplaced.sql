-- Checks the promise on what was written: takes a sample of the photos just placed and counts those for which
-- some other new cluster's stored centroid is nearer than their own. Distances are float4 sums, so equal ones
-- may differ by rounding: a millionth is allowed.
-- Parameters: cluster_ids bigint[], normalize boolean, seed bigint, photos bigint (how many to look at)
-- Returns: one count.
SELECT count(*) AS misplaced
FROM (
    SELECT
        cluster_id,
        CASE
            WHEN %(normalize)s::boolean THEN l2_normalize(embedding)
            ELSE vector(embedding, -1, FALSE)
        END AS embedding
    FROM photos
    WHERE
        id IN (
            SELECT photo_id
            FROM fluffy_sql_assignments
            ORDER BY hashint8extended(photo_id, %(seed)s::bigint), photo_id
            LIMIT %(photos)s::bigint
        ) AND cluster_id = any(%(cluster_ids)s::bigint[])
    OFFSET 0
) AS photo
CROSS JOIN
    LATERAL (
        SELECT
            min(cluster.centroid <-> photo.embedding) AS nearest,
            min(cluster.centroid <-> photo.embedding) FILTER (WHERE cluster.id = photo.cluster_id) AS own
        FROM clusters AS cluster
        WHERE cluster.id = any(%(cluster_ids)s::bigint[])
    ) AS distance
WHERE distance.own > distance.nearest * 1.000001 + 1e-30;
