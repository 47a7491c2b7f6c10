-- Embeddings of drawn photos as they are, to find the main directions from.
-- Zero vectors have no direction, so under cosine they are left out; so is a photo embedded again with another length.
-- LATERAL and OFFSET 0 look up each photo by its key: a join may normalize all photos first.
-- Parameters: normalize boolean, dimensions integer, after_row bigint (exclusive), last_row bigint (inclusive)
-- Returns: position, embedding; in the order of position.
SELECT
    drawn.position,
    photo.embedding
FROM work_drawn AS drawn
CROSS JOIN
    LATERAL (
        SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding
        FROM usable_photos AS usable
        WHERE usable.id = drawn.photo_id AND usable.embedding IS NOT NULL
        OFFSET 0
    ) AS photo
WHERE
    drawn.position > %(after_row)s::bigint
    AND drawn.position <= %(last_row)s::bigint
    AND vector_dims(photo.embedding) = %(dimensions)s::integer
    AND (NOT %(normalize)s::boolean OR vector_norm(photo.embedding) > 0)
ORDER BY drawn.position;
