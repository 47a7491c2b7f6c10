-- Means in all dimensions of clusters that were trained in the main directions: assigns the rows of a range of the
-- sample as lloyd_step does, and averages the photos themselves.
-- Parameters: centroids vector[], normalize boolean, dimensions integer, after_row bigint (exclusive),
--   last_row bigint (inclusive)
-- Returns: label, rows, mean; no row for a centroid without rows.
SELECT
    nearest.label,
    count(*) AS rows,
    avg(photo.embedding) AS mean
FROM fluffy_sql_work.sample AS sample
CROSS JOIN
    LATERAL (
        SELECT
            (centroid.place - 1)::integer AS label,
            centroid.embedding <-> sample.embedding AS distance
        FROM unnest(%(centroids)b::vector[]) WITH ORDINALITY AS centroid (embedding, place)
        ORDER BY distance, label
        LIMIT 1
    ) AS nearest
INNER JOIN usable_photos AS usable ON sample.photo_id = usable.id
CROSS JOIN
    LATERAL (
        SELECT
            CASE
                WHEN %(normalize)s::boolean THEN l2_normalize(usable.embedding)
                ELSE vector(usable.embedding, -1, FALSE)
            END AS embedding
        LIMIT 1
    ) AS photo
WHERE
    sample.position > %(after_row)s::bigint
    AND sample.position <= %(last_row)s::bigint
    AND usable.embedding IS NOT NULL
    AND vector_dims(photo.embedding) = %(dimensions)s::integer
GROUP BY nearest.label;
