-- Coordinates of the photos of some clusters along axes: a sample, drawn by a hash of the id. Each embedding is
-- fetched once, and a few numbers of it leave the server.
-- LATERAL names the sample, so that only its photos are normalized: a join may be made last.
-- Photos that can not be compared with the axes are left out: of another length or, under cosine, zero vectors.
-- Parameters: cluster_ids bigint[], most bigint, normalize boolean, dimensions integer, axes vector[]
-- Returns: cluster_id, coordinates double precision[] (one for each axis); in the order of the photos, so that the same
--   library gives the same picture.
WITH drawn AS MATERIALIZED (
    SELECT id
    FROM usable_photos
    WHERE cluster_id = any(%(cluster_ids)s::bigint[]) AND embedding IS NOT NULL
    ORDER BY hashint8extended(id::bigint, 0), id
    LIMIT %(most)s::bigint
)

SELECT
    usable.cluster_id::bigint AS cluster_id,
    (
        SELECT array_agg(-(axis.direction <#> fetched.embedding) ORDER BY axis.place)
        FROM unnest(%(axes)b::vector[]) WITH ORDINALITY AS axis (direction, place)
    ) AS coordinates
FROM usable_photos AS usable
INNER JOIN drawn ON usable.id = drawn.id
CROSS JOIN
    LATERAL (
        SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding
        WHERE usable.id = drawn.id
        LIMIT 1
    ) AS fetched
WHERE
    vector_dims(fetched.embedding) = %(dimensions)s::integer
    AND (NOT %(normalize)s::boolean OR vector_norm(fetched.embedding) > 0)
ORDER BY usable.id;
