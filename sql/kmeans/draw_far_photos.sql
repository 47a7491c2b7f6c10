-- Draws photos as new centroids for those that no photo chose, with a chance that grows with the squared distance to
-- their centroid (see draw_splits).
-- Parameters: normalize boolean, seed bigint, photos bigint
-- Returns: embedding.
SELECT
    CASE
        WHEN %(normalize)s::boolean THEN l2_normalize(photo.embedding)
        ELSE photo.embedding
    END AS embedding
FROM (
    SELECT
        photo_id,
        -ln(
            ((hashint8extended(photo_id, %(seed)s::bigint) & 9007199254740991)::double precision + 0.5)
            / 9007199254740992
        ) / (distance * distance) AS draw
    FROM fluffy_sql_assignments
    WHERE distance > 0
    ORDER BY draw, photo_id
    LIMIT %(photos)s::bigint
) AS drawn
INNER JOIN usable_photos AS photo ON drawn.photo_id = photo.id
ORDER BY drawn.draw, drawn.photo_id;
