-- Rows of the sample, for seeding.
-- Parameters: after_row bigint (exclusive), last_row bigint (inclusive)
-- Returns: position, embedding; in the order of position.
SELECT
    position,
    embedding
FROM work_sample
WHERE position > %(after_row)s::bigint AND position <= %(last_row)s::bigint
ORDER BY position;
