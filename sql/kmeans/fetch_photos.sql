-- Embeddings of drawn photos as they are, to find the main directions from.
-- Zero vectors have no direction, so under cosine they are left out; so is a photo embedded again with another length.
-- Parameters: normalize boolean, dimensions integer, after_row bigint (exclusive), last_row bigint (inclusive)
-- Returns: position, embedding; in the order of position.
SELECT
    drawn.position,
    photo.embedding
FROM work_drawn AS drawn
INNER JOIN usable_photos AS usable ON drawn.photo_id = usable.id
CROSS JOIN LATERAL (SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding LIMIT 1) AS photo
WHERE
    drawn.position > %(after_row)s::bigint
    AND drawn.position <= %(last_row)s::bigint
    AND usable.embedding IS NOT NULL
    AND vector_dims(photo.embedding) = %(dimensions)s::integer
    AND (NOT %(normalize)s::boolean OR vector_norm(photo.embedding) > 0)
ORDER BY drawn.position;
