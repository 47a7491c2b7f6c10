-- Writes drawn photos into the sample, each as its coordinates along the axes, followed by its distance from what they
-- span. To a centroid that lies in the span, with 0 in that last place, <-> then gives the very distance that it gives
-- in all dimensions. Without axes, embeddings are written as they are.
-- Rows are written in order of position, so that they always add up in the same order. LATERAL and OFFSET 0 look up
-- each photo by its key: a join read all photos for each range.
-- Zero vectors have no direction, so under cosine they are left out; so is a photo embedded again with another length,
-- and under l2 one that is too long to be measured.
-- Parameters: axes vector[] (orthonormal; empty: as they are), origin vector, normalize boolean,
--   longest double precision (under l2), dimensions integer, after_row bigint (exclusive), last_row bigint (inclusive)
-- Returns: nothing; the row count is the rows written.
INSERT INTO work_sample (position, photo_id, embedding)
SELECT
    ordered.position,
    ordered.photo_id,
    CASE
        WHEN cardinality(%(axes)b::vector[]) = 0 THEN fetched.embedding
        ELSE (
            SELECT
                array_append(
                    along.coordinates,
                    sqrt(greatest(vector_norm(photo.centered) ^ 2 - vector_norm(along.coordinates::vector) ^ 2, 0))
                )::vector
            FROM (
                SELECT array_agg(-(axis.direction <#> photo.centered)) AS coordinates
                FROM unnest(%(axes)b::vector[]) AS axis (direction)
            ) AS along
        )
    END AS embedding
FROM (
    SELECT
        position,
        photo_id
    FROM work_drawn
    WHERE position > %(after_row)s::bigint AND position <= %(last_row)s::bigint
    ORDER BY position
) AS ordered
CROSS JOIN
    LATERAL (
        SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding
        FROM usable_photos AS usable
        WHERE usable.id = ordered.photo_id AND usable.embedding IS NOT NULL
        OFFSET 0
    ) AS fetched
CROSS JOIN LATERAL (SELECT fetched.embedding - %(origin)b::vector AS centered LIMIT 1) AS photo
WHERE
    vector_dims(fetched.embedding) = %(dimensions)s::integer
    AND CASE
        WHEN %(normalize)s::boolean THEN vector_norm(fetched.embedding) > 0
        ELSE vector_norm(fetched.embedding) <= %(longest)s::double precision
    END;
