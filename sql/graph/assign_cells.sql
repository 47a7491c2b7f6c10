-- Gives photos of the sample the label of the nearest center, the first of equally near ones; exact.
-- Parameters: centers vector[] (as the sample has its rows), first_label integer (of the first center), after_row
--   bigint (exclusive), last_row bigint (inclusive)
-- Returns: nothing; the row count is the photos.
UPDATE work_assignments
SET label = located.label
FROM (
    SELECT
        sample.photo_id,
        nearest.label
    FROM work_sample AS sample
    CROSS JOIN
        LATERAL (
            SELECT (%(first_label)s::integer + center.place - 1)::integer AS label
            FROM unnest(%(centers)b::vector[]) WITH ORDINALITY AS center (embedding, place)
            ORDER BY center.embedding <-> sample.embedding, center.place
            LIMIT 1
        ) AS nearest
    WHERE sample.position > %(after_row)s::bigint AND sample.position <= %(last_row)s::bigint
) AS located
WHERE work_assignments.photo_id = located.photo_id;
