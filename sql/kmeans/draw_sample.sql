-- Draws photos by a hash of id and seed: the same ones on every run, whatever the order of the rows on disk.
-- Ids are drawn first, so that only the drawn photos' embeddings are fetched. Zero vectors have no direction, so
-- under cosine they are left out afterwards. A photo that was embedded anew with another length is, too.
-- Parameters: seed bigint, normalize boolean, dimensions integer, sample_size bigint
-- Returns: nothing; the row count is the size of the sample.
INSERT INTO fluffy_sql_sample (position, photo_id, embedding)
SELECT
    row_number() OVER (ORDER BY photo.draw, photo.id) AS position,
    photo.id,
    photo.embedding
FROM (
    SELECT
        drawn.id,
        drawn.draw,
        CASE
            WHEN %(normalize)s::boolean THEN l2_normalize(usable.embedding)
            ELSE vector(usable.embedding, -1, FALSE)
        END AS embedding
    FROM (
        SELECT
            id::bigint AS id,
            hashint8extended(id::bigint, %(seed)s::bigint) AS draw
        FROM usable_photos
        WHERE cluster_id IS NULL AND embedding IS NOT NULL
        ORDER BY draw, id
        LIMIT %(sample_size)s::bigint
    ) AS drawn
    INNER JOIN usable_photos AS usable ON drawn.id = usable.id
    OFFSET 0
) AS photo
WHERE
    vector_dims(photo.embedding) = %(dimensions)s::integer
    AND (NOT %(normalize)s::boolean OR vector_norm(photo.embedding) > 0)
ORDER BY position;
