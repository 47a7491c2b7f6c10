-- Counts, in a sample of the photos assigned, those that have a nearer centroid than their own: 0, unless they were
-- compared only with the candidates of their cell. LATERAL and OFFSET 0 look up each photo by its key.
-- Parameters: centroids vector[], normalize boolean, dimensions integer, seed bigint, photos bigint (to compare)
-- Returns: looked_at, missed; one row. A photo that was embedded again meanwhile with another length is passed over.
SELECT
    count(*) AS looked_at,
    count(*) FILTER (WHERE nearest.distance < drawn.distance * 0.999999) AS missed
FROM (
    SELECT
        photo_id,
        distance
    FROM work_assignments
    ORDER BY hashint8extended(photo_id, %(seed)s::bigint), photo_id
    LIMIT %(photos)s::bigint
) AS drawn
CROSS JOIN
    LATERAL (
        SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding
        FROM usable_photos AS usable
        WHERE usable.id = drawn.photo_id AND usable.embedding IS NOT NULL
        OFFSET 0
    ) AS photo
CROSS JOIN
    LATERAL (
        SELECT min(centroid.embedding <-> photo.embedding) AS distance
        FROM unnest(%(centroids)b::vector[]) AS centroid (embedding)
    ) AS nearest
WHERE vector_dims(photo.embedding) = %(dimensions)s::integer;
