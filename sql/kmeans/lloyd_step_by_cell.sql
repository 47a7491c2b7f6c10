-- The Lloyd step of lloyd_step for many centroids: a row is compared with the candidates of its cell alone.
-- Parameters: cells integer[] (of the rows of the range, one after the other), candidates integer[] (of the
--   first cell, then of the next, as places of centroids from 0), width integer (candidates of each), blocks vector[]
--   (centroids end to end, many in a vector: the n-th of an array is found by passing over those before it), per_block
--   integer (centroids in each), length integer (of a centroid),
--   after_row bigint (exclusive), last_row bigint (inclusive), starts integer[] (the first place in the range of each
--   piece, as in lloyd_step)
-- Returns: piece (from 1), label, rows, mean, error (sum of squared distances), places integer[] (of its rows in the
--   range, from 1); no row for a centroid without rows in a piece.
SELECT
    width_bucket(sample.place, %(starts)s::integer[]) AS piece,
    nearest.label,
    count(*) AS rows,
    avg(sample.embedding) AS mean,
    sum(nearest.distance * nearest.distance) AS error,
    array_agg(sample.place) AS places
FROM (
    SELECT
        embedding,
        (position - %(after_row)s::bigint)::integer AS place
    FROM work_sample
    WHERE position > %(after_row)s::bigint AND position <= %(last_row)s::bigint
) AS sample
CROSS JOIN LATERAL (SELECT (%(cells)b::integer[])[sample.place] AS cell) AS located
CROSS JOIN
    LATERAL nearest_candidate(
        sample.embedding, located.cell, %(candidates)b::integer[], %(width)s::integer, %(blocks)b::vector[],
        %(per_block)s::integer, %(length)s::integer
    ) AS nearest
GROUP BY piece, nearest.label;
