-- Draws photos as new centroids for those that no photo chose, with a chance that grows with the squared distance to
-- their centroid (see draw_splits). A photo that was embedded again with another length meanwhile is not drawn.
-- LATERAL names the sample, so that only its photos are normalized: a join may be made last.
-- Parameters: normalize boolean, dimensions integer, seed bigint, photos bigint
-- Returns: embedding.
SELECT photo.embedding
FROM (
    SELECT
        photo_id,
        -ln(
            ((hashint8extended(photo_id, %(seed)s::bigint) & 9007199254740991)::double precision + 0.5)
            / 9007199254740992
        ) / (distance * distance) AS draw
    FROM work_assignments
    WHERE distance > 0
    ORDER BY draw, photo_id
    LIMIT %(photos)s::bigint
) AS drawn
INNER JOIN usable_photos AS usable ON drawn.photo_id = usable.id
CROSS JOIN
    LATERAL (
        SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding
        WHERE usable.id = drawn.photo_id
        LIMIT 1
    ) AS photo
WHERE vector_dims(photo.embedding) = %(dimensions)s::integer
ORDER BY drawn.draw, drawn.photo_id;
