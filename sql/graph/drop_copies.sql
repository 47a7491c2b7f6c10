-- Takes photos out of the sample whose embedding is that of another photo in the same block, as unit vectors under
-- cosine: of those that are equal, the one at the lowest position stays. Rows of the sample tell which may be equal,
-- the photos tell which are.
-- Parameters: afters bigint[] (of each block, exclusive), lasts bigint[] (inclusive), normalize boolean
-- Returns: copies integer[] (their positions), originals integer[] (of each, the one that stays); one row, null if
--   there are none.
WITH alike AS MATERIALIZED (
    SELECT
        numbered.position,
        numbered.original
    FROM (
        SELECT
            sample.position,
            first_value(sample.position)
                OVER (PARTITION BY block.place, sample.embedding ORDER BY sample.position)
                AS original
        FROM unnest(%(afters)s::bigint[], %(lasts)s::bigint[]) WITH ORDINALITY AS block (after_row, last_row, place)
        INNER JOIN work_sample AS sample ON block.after_row < sample.position AND block.last_row >= sample.position
    ) AS numbered
    WHERE numbered.position != numbered.original
),

embedded AS MATERIALIZED (
    SELECT
        drawn.position,
        fetched.embedding
    FROM (
        SELECT position
        FROM alike
        UNION
        SELECT original AS position
        FROM alike
    ) AS either
    INNER JOIN work_drawn AS drawn ON either.position = drawn.position
    CROSS JOIN
        LATERAL (
            SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding
            FROM usable_photos AS usable
            WHERE usable.id = drawn.photo_id AND usable.embedding IS NOT NULL
            OFFSET 0
        ) AS fetched
),

dropped AS (
    DELETE FROM work_sample AS sample
    USING alike, embedded AS copy, embedded AS kept
    WHERE
        sample.position = alike.position
        AND copy.position = alike.position
        AND kept.position = alike.original
        AND copy.embedding = kept.embedding
    RETURNING alike.position, alike.original
)

SELECT
    array_agg(position::integer ORDER BY position) AS copies,
    array_agg(original::integer ORDER BY position) AS originals
FROM dropped;
