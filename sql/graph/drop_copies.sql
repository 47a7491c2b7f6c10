-- Takes photos out of the sample whose embedding is that of another photo in the same block, as unit vectors under
-- cosine: of those that are equal, the one at the lowest position stays. Rows of the sample tell which may be equal,
-- the photos tell which are.
-- Parameters: afters bigint[] (of each block, exclusive), lasts bigint[] (inclusive), normalize boolean
-- Returns: copies integer[] (their positions), originals integer[] (of each, the one that stays); one row, null if
--   there are none.
WITH copy AS MATERIALIZED (
    SELECT
        numbered.position,
        numbered.original
    FROM (
        SELECT
            sample.position,
            sample.photo_id,
            first_value(sample.position) OVER same AS original,
            first_value(sample.photo_id) OVER same AS original_id
        FROM unnest(%(afters)s::bigint[], %(lasts)s::bigint[]) WITH ORDINALITY AS block (after_row, last_row, place)
        INNER JOIN work_sample AS sample ON block.after_row < sample.position AND block.last_row >= sample.position
        WINDOW same AS (PARTITION BY block.place, sample.embedding ORDER BY sample.position)
    ) AS numbered
    WHERE
        numbered.position != numbered.original
        AND (
            SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean)
            FROM usable_photos AS usable
            WHERE usable.id = numbered.photo_id
        ) = (
            SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean)
            FROM usable_photos AS usable
            WHERE usable.id = numbered.original_id
        )
),

dropped AS (
    DELETE FROM work_sample AS sample
    USING copy
    WHERE sample.position = copy.position
    RETURNING copy.position, copy.original
)

SELECT
    array_agg(position::integer ORDER BY position) AS copies,
    array_agg(original::integer ORDER BY position) AS originals
FROM dropped;
