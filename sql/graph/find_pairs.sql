-- Pairs of photos that are near each other: those of some rows with the rows after them. Exact: a pair is left out by
-- what no two near rows can be, and of what remains the photos themselves are compared.
-- A row looks into a block of its scope unless the plane between the centers of its own and of that block is too far
-- away: if no row of the block is nearer to the center of this row's block, the distance is at least
-- (to its center ^ 2 - to the own center ^ 2) / (2 * between centers). Rows of a block come with the farthest from its
-- center first, and those that are nearer to it by more than the reach are not looked at (the triangle inequality).
-- Rows of the sample are no farther apart than photos: coordinates along main directions, and the distance from these.
-- The reach is more than the radius by what float4 may round, so a bound leaves out no pair at the border.
-- Photos are fetched one by one, and only of pairs that no bound leaves out: a join would be planned for a few of them.
-- A block is read into arrays once for all rows that look into it; unnest stands in the select list and stops early
-- (LIMIT), since there nothing is copied. OFFSET 0 keeps blocks outside of the loop over rows.
-- Parameters: after_row bigint (exclusive), last_row bigint (inclusive), centers vector[] (of each block, from the one
--   of the first row on), afters bigint[] (exclusive), lasts bigint[] (inclusive), scopes integer[] (any number, the
--   same for the blocks of a scope), radius double precision (the largest Euclidean distance of a pair), rounding
--   double precision (what is added to the reach for photos far from zero), squared boolean (distances are those of
--   cosine, half the square of Euclidean ones), projected boolean (else rows of the sample are the photos themselves),
--   normalize boolean, dimensions integer, most bigint (no more pairs)
-- Returns: compared bytea (positions of the rows, 4 bytes each), pairs bytea (first and second position, 4 bytes each,
--   and distance as float4, of each pair, by first and second); one row, null if there are none.
WITH blocks AS MATERIALIZED (
    SELECT
        block.center,
        block.after_row,
        block.last_row,
        block.scope,
        block.place::integer AS place
    FROM
        unnest(%(centers)b::vector[], %(afters)s::bigint[], %(lasts)s::bigint[], %(scopes)s::integer[])
        WITH ORDINALITY AS block (center, after_row, last_row, scope, place)
),

owns AS MATERIALIZED (
    SELECT
        own.after_row,
        own.last_row,
        own.scope,
        own.center,
        (
            SELECT array_agg(own.center <-> block.center ORDER BY block.place)
            FROM blocks AS block
        ) AS apart
    FROM blocks AS own
    WHERE own.after_row < %(last_row)s::bigint
),

looking AS MATERIALIZED (
    SELECT
        sample.position::integer AS position,
        vector(sample.embedding, -1, FALSE) AS embedding,
        CASE
            WHEN %(projected)s::boolean
                THEN (
                    SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean)
                    FROM usable_photos AS usable
                    WHERE
                        usable.id = sample.photo_id
                        AND vector_dims(usable.embedding) = %(dimensions)s::integer
                )
        END AS photo,
        own.scope,
        own.apart,
        1.00002 * (own.center <-> sample.embedding) * (own.center <-> sample.embedding) AS square,
        %(radius)s::double precision + %(rounding)s::double precision + 0.002 * vector_norm(sample.embedding) AS reach
    FROM owns AS own
    INNER JOIN work_sample AS sample ON own.after_row < sample.position AND own.last_row >= sample.position
    WHERE sample.position > %(after_row)s::bigint AND sample.position <= %(last_row)s::bigint
),

found AS MATERIALIZED (
    SELECT
        near.first,
        near.second,
        near.distance
    FROM blocks AS block
    CROSS JOIN
        LATERAL (
            SELECT
                array_agg(row_of.position) AS positions,
                array_agg(row_of.embedding) AS embeddings,
                array_agg(row_of.photo) AS photos,
                array_agg(row_of.distance - row_of.reach) AS least_distances,
                array_agg(row_of.reach) AS reaches
            FROM (
                SELECT
                    looking.position,
                    looking.embedding,
                    looking.photo,
                    looking.reach,
                    looking.square + 2 * looking.reach * looking.apart[block.place] AS most,
                    block.center <-> looking.embedding AS distance
                FROM looking
                WHERE looking.scope = block.scope AND looking.position < block.last_row
                OFFSET 0
            ) AS row_of
            WHERE row_of.distance * row_of.distance <= row_of.most
        ) AS lookers
    CROSS JOIN
        LATERAL (
            SELECT
                array_agg(inside.position ORDER BY inside.distance DESC, inside.position ASC) AS positions,
                array_agg(inside.photo_id ORDER BY inside.distance DESC, inside.position ASC) AS photo_ids,
                array_agg(inside.embedding ORDER BY inside.distance DESC, inside.position ASC) AS embeddings,
                array_agg(-inside.distance ORDER BY inside.distance DESC, inside.position ASC) AS nearness
            FROM (
                SELECT
                    sample.position::integer AS position,
                    sample.photo_id,
                    sample.embedding,
                    block.center <-> sample.embedding AS distance
                FROM work_sample AS sample
                WHERE
                    sample.position > block.after_row
                    AND sample.position <= block.last_row
                    AND lookers.positions IS NOT NULL
                OFFSET 0
            ) AS inside
        ) AS candidates
    CROSS JOIN
        LATERAL (
            SELECT
                pair.first,
                pair.second,
                CASE
                    WHEN %(projected)s::boolean
                        THEN (
                            SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean) <-> pair.photo
                            FROM usable_photos AS usable
                            WHERE
                                usable.id = pair.photo_id
                                AND vector_dims(usable.embedding) = %(dimensions)s::integer
                        )
                    ELSE pair.embedding <-> pair.other_embedding
                END AS distance
            FROM (
                SELECT
                    looker.position AS first,
                    looker.photo,
                    looker.embedding,
                    candidate.position AS second,
                    candidate.photo_id,
                    candidate.embedding AS other_embedding
                FROM (
                    SELECT
                        unnest(lookers.positions) AS position,
                        unnest(lookers.embeddings) AS embedding,
                        unnest(lookers.photos) AS photo,
                        unnest(lookers.least_distances) AS least_distance,
                        unnest(lookers.reaches) AS reach
                ) AS looker
                CROSS JOIN
                    LATERAL (
                        SELECT
                            unnest(candidates.positions) AS position,
                            unnest(candidates.photo_ids) AS photo_id,
                            unnest(candidates.embeddings) AS embedding
                        LIMIT width_bucket(-looker.least_distance, candidates.nearness)
                    ) AS candidate
                WHERE candidate.position > looker.position AND candidate.embedding <-> looker.embedding <= looker.reach
                OFFSET 0
            ) AS pair
            OFFSET 0
        ) AS near
    WHERE near.distance <= %(radius)s::double precision
    LIMIT %(most)s::bigint
)

SELECT
    (
        SELECT string_agg(int4send(looking.position), ''::bytea)
        FROM looking
    ) AS compared,
    string_agg(
        int4send(pair.first) || int4send(pair.second)
        || float4send((CASE WHEN %(squared)s::boolean THEN pair.distance ^ 2 / 2 ELSE pair.distance END)::real),
        ''::bytea
        ORDER BY pair.first, pair.second
    ) AS pairs
FROM found AS pair;
