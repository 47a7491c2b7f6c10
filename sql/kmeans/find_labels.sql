-- Finds a centroid near to each row of a range of the sample, nearly always the nearest: it is sought among the
-- candidates of the two nearest cells. The lowest label wins a tie.
-- Parameters: centers vector[] (of the cells), candidates integer[] (of the first cell, then of the next, as
--   places of centroids from 0), width integer (candidates of each), blocks vector[], per_block integer, length integer
--   (the three as in lloyd_step_by_cell), after_row bigint (exclusive), last_row bigint (inclusive)
-- Returns: label, places integer[] (of its rows in the range, from 1); no row for a centroid without rows.
SELECT
    nearest.label,
    array_agg((sample.position - %(after_row)s::bigint)::integer) AS places
FROM work_sample AS sample
CROSS JOIN
    LATERAL (
        SELECT
            candidate.label,
            candidate.distance
        FROM (
            SELECT
                (center.place - 1)::integer AS cell,
                center.embedding <-> sample.embedding AS distance
            FROM unnest(%(centers)b::vector[]) WITH ORDINALITY AS center (embedding, place)
            ORDER BY distance, cell
            LIMIT 2
        ) AS located
        CROSS JOIN
            LATERAL nearest_candidate(
                sample.embedding, located.cell, %(candidates)b::integer[], %(width)s::integer, %(blocks)b::vector[],
                %(per_block)s::integer, %(length)s::integer
            ) AS candidate
        ORDER BY candidate.distance, candidate.label
        LIMIT 1
    ) AS nearest
WHERE sample.position > %(after_row)s::bigint AND sample.position <= %(last_row)s::bigint
GROUP BY nearest.label;
