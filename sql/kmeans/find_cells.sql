-- Finds the nearest cell of each row of a range of the sample. The lowest number wins a tie.
-- Parameters: centers vector[], after_row bigint (exclusive), last_row bigint (inclusive)
-- Returns: nothing; the row count is the rows.
INSERT INTO fluffy_sql_work.sample_cells (position, cell)
SELECT
    sample.position,
    nearest.cell
FROM fluffy_sql_work.sample AS sample
CROSS JOIN
    LATERAL (
        SELECT
            (center.place - 1)::integer AS cell,
            center.embedding <-> sample.embedding AS distance
        FROM unnest(%(centers)b::vector[]) WITH ORDINALITY AS center (embedding, place)
        ORDER BY distance, cell
        LIMIT 1
    ) AS nearest
WHERE sample.position > %(after_row)s::bigint AND sample.position <= %(last_row)s::bigint;
