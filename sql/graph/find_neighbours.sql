-- The nearest neighbours of some rows among all rows of some blocks. A block is read into arrays once and compared with
-- all the rows, so each embedding is fetched once for a block. unnest stands in the select list since there nothing is
-- copied; OFFSET 0 keeps blocks outside of the loop over rows, for the same reason: 0.15 us a pair of 512 dimensions,
-- against 0.4 by the table (November 2026).
-- The lowest position wins a tie. If they are to be kept, they go into work_neighbours, too, by their ids.
-- Parameters: positions integer[] (of the rows), neighbours integer (how many), afters bigint[] (of each block,
--   exclusive), lasts bigint[] (inclusive), keep boolean
-- Returns: position, neighbours bytea (their positions, the nearest first, 4 bytes each; null if there are none).
WITH looking AS MATERIALIZED (
    SELECT
        sample.position,
        vector(sample.embedding, -1, FALSE) AS embedding
    FROM work_sample AS sample
    WHERE sample.position = any(%(positions)b::integer[])
),

found AS MATERIALIZED (
    SELECT
        near.position,
        near.neighbour,
        near.distance
    FROM unnest(%(afters)s::bigint[], %(lasts)s::bigint[]) AS block (after_row, last_row)
    CROSS JOIN
        LATERAL (
            SELECT
                array_agg(sample.position::integer ORDER BY sample.position) AS positions,
                array_agg(sample.embedding ORDER BY sample.position) AS embeddings
            FROM work_sample AS sample
            WHERE sample.position > block.after_row AND sample.position <= block.last_row
        ) AS candidates
    CROSS JOIN
        LATERAL (
            SELECT
                looking.position,
                nearest.position AS neighbour,
                nearest.distance
            FROM looking
            CROSS JOIN
                LATERAL (
                    SELECT
                        candidate.position,
                        candidate.embedding <-> looking.embedding AS distance
                    FROM (
                        SELECT
                            unnest(candidates.positions) AS position,
                            unnest(candidates.embeddings) AS embedding
                    ) AS candidate
                    WHERE candidate.position != looking.position
                    ORDER BY distance, candidate.position
                    LIMIT %(neighbours)s::integer
                ) AS nearest
            OFFSET 0
        ) AS near
),

numbered AS MATERIALIZED (
    SELECT
        position,
        neighbour,
        distance,
        row_number() OVER (PARTITION BY position ORDER BY distance, neighbour) AS place
    FROM found
),

kept AS (
    INSERT INTO work_neighbours (photo_id, place, neighbour_ids, distances)
    SELECT
        drawn.photo_id,
        drawn.position::integer AS place,
        listed.neighbour_ids,
        listed.distances
    FROM (
        SELECT
            numbered.position,
            array_agg(neighbour.photo_id ORDER BY numbered.place) AS neighbour_ids,
            array_agg(numbered.distance::real ORDER BY numbered.place) AS distances
        FROM numbered
        INNER JOIN work_drawn AS neighbour ON numbered.neighbour = neighbour.position
        WHERE numbered.place <= %(neighbours)s::integer AND %(keep)s::boolean
        GROUP BY numbered.position
    ) AS listed
    INNER JOIN work_drawn AS drawn ON listed.position = drawn.position
)

SELECT
    looking.position,
    ranked.neighbours
FROM looking
LEFT JOIN (
    SELECT
        position,
        string_agg(int4send(neighbour), ''::bytea ORDER BY place) AS neighbours
    FROM numbered
    WHERE place <= %(neighbours)s::integer
    GROUP BY position
) AS ranked ON looking.position = ranked.position;
