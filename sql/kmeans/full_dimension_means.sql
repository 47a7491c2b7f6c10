-- Means in all dimensions of clusters that were trained in the main directions: assigns the rows of a range of the
-- sample as lloyd_step does, and averages the photos themselves. LATERAL and OFFSET 0 look up each photo by its key: a
-- join read all photos for each range.
-- Parameters: centroids vector[], normalize boolean, dimensions integer, after_row bigint (exclusive),
--   last_row bigint (inclusive), starts bigint[] (as in lloyd_step), followed boolean (whether the final pass needs the
--   centroid of each row)
-- Returns: piece (from 1), label, rows, mean, places integer[] (of its rows in the range, from 1; null unless
--   followed); no row for a centroid without rows in a piece.
SELECT
    width_bucket(sample.position, %(starts)s::bigint[]) AS piece,
    nearest.label,
    count(*) AS rows,
    avg(photo.embedding) AS mean,
    array_agg((sample.position - %(after_row)s::bigint)::integer) FILTER (WHERE %(followed)s::boolean) AS places
FROM work_sample AS sample
CROSS JOIN
    LATERAL (
        SELECT
            array_position(array_agg(compared.distance), min(compared.distance)) - 1 AS label,
            min(compared.distance) AS distance
        FROM (
            SELECT centroid.embedding <-> sample.embedding AS distance
            FROM unnest(%(centroids)b::vector[]) AS centroid (embedding)
            OFFSET 0
        ) AS compared
    ) AS nearest
CROSS JOIN
    LATERAL (
        SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding
        FROM usable_photos AS usable
        WHERE usable.id = sample.photo_id AND usable.embedding IS NOT NULL
        OFFSET 0
    ) AS photo
WHERE
    sample.position > %(after_row)s::bigint
    AND sample.position <= %(last_row)s::bigint
    AND vector_dims(photo.embedding) = %(dimensions)s::integer
GROUP BY piece, nearest.label;
