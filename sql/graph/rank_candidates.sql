-- The nearest neighbours of some rows among candidates of each. The lowest position wins a tie. If they are to be kept,
-- they go into work_neighbours, too, by their ids.
-- Rows are told by where they are on disk: 0.7 us a candidate, against 1.3 by their position (December 2026). OFFSET 0
-- has the candidates of a row looked up at once: a join may read the whole sample.
-- Parameters: rows tid[], candidates tid[] (row after row; place 0 of block 0: none), width integer (candidates of each
--   row), neighbours integer (how many), keep boolean
-- Returns: position, neighbours bytea (their positions, the nearest first, 4 bytes each; null if there are none),
--   farthest real (how far the last of them is).
WITH looking AS MATERIALIZED (
    SELECT
        sample.position,
        sample.embedding,
        asked.place
    FROM unnest(%(rows)b::tid[]) WITH ORDINALITY AS asked (ctid, place)
    CROSS JOIN
        LATERAL (
            SELECT
                row_of.position,
                vector(row_of.embedding, -1, FALSE) AS embedding
            FROM work_sample AS row_of
            WHERE row_of.ctid = asked.ctid
            OFFSET 0
        ) AS sample
),

ranked AS MATERIALIZED (
    SELECT
        looking.position,
        nearest.neighbours,
        nearest.positions,
        nearest.distances
    FROM looking
    CROSS JOIN
        LATERAL (
            SELECT
                string_agg(int4send(near.position::integer), ''::bytea ORDER BY near.distance, near.position)
                    AS neighbours,
                array_agg(near.position::integer ORDER BY near.distance, near.position) AS positions,
                array_agg(near.distance::real ORDER BY near.distance, near.position) AS distances
            FROM (
                SELECT
                    sample.position,
                    sample.embedding <-> looking.embedding AS distance
                FROM (
                    SELECT
                        row_of.position,
                        row_of.embedding
                    FROM work_sample AS row_of
                    WHERE
                        row_of.ctid = any(
                            (%(candidates)b::tid[])[
                                (looking.place - 1) * %(width)s::integer + 1:looking.place * %(width)s::integer
                            ]
                        )
                    OFFSET 0
                ) AS sample
                WHERE sample.position != looking.position
                ORDER BY distance, sample.position
                LIMIT %(neighbours)s::integer
            ) AS near
        ) AS nearest
),

kept AS (
    INSERT INTO work_neighbours (photo_id, place, neighbour_ids, distances)
    SELECT
        drawn.photo_id,
        drawn.position::integer AS place,
        (
            SELECT array_agg(neighbour.photo_id ORDER BY listed.place)
            FROM unnest(ranked.positions) WITH ORDINALITY AS listed (position, place)
            INNER JOIN work_drawn AS neighbour ON listed.position = neighbour.position
        ) AS neighbour_ids,
        ranked.distances
    FROM ranked
    INNER JOIN work_drawn AS drawn ON ranked.position = drawn.position
    WHERE ranked.positions IS NOT NULL AND %(keep)s::boolean
)

SELECT
    position,
    neighbours,
    distances[cardinality(distances)] AS farthest
FROM ranked;
