-- What project_photos does, where photos are distributed: ids are drawn first, and coordinates computed on the shards.
-- Parameters: cluster_ids bigint[], most bigint, normalize boolean, dimensions integer, axes vector[]
-- Returns: cluster_id, coordinates double precision[] (one for each axis).
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
        LIMIT 1
    ) AS fetched
WHERE
    vector_dims(fetched.embedding) = %(dimensions)s::integer
    AND (NOT %(normalize)s::boolean OR vector_norm(fetched.embedding) > 0);
