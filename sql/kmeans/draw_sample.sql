-- Draws photos by a hash of id and seed: the same ones on every run, whatever the order of the rows on disk.
-- Ids are drawn first, so that only the drawn photos' embeddings are fetched, and rows are put in order before that,
-- while an embedding is still a pointer of 18 bytes: vectors would be sorted on disk. Zero vectors have no direction,
-- so under cosine they are left out; a photo that was embedded anew with another length is, too.
-- Parameters: seed bigint, normalize boolean, dimensions integer, sample_size bigint
-- Returns: nothing; the row count is the size of the sample.
INSERT INTO fluffy_sql_sample (position, photo_id, embedding)
SELECT
    row_number() OVER () AS position,
    photo.id,
    photo.embedding
FROM (
    SELECT
        ordered.id,
        CASE
            WHEN %(normalize)s::boolean THEN l2_normalize(ordered.embedding)
            ELSE vector(ordered.embedding, -1, FALSE)
        END AS embedding
    FROM (
        SELECT
            drawn.id,
            usable.embedding
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
        ORDER BY drawn.draw, drawn.id
    ) AS ordered
    OFFSET 0
) AS photo
WHERE
    vector_dims(photo.embedding) = %(dimensions)s::integer
    AND (NOT %(normalize)s::boolean OR vector_norm(photo.embedding) > 0);
