-- Sketches of rows: coordinates along a few axes and the distance from the origin, in steps. What is beyond a byte, or
-- two of the distance, is cut off.
-- Parameters: axes vector[] (as long as a step takes), origin vector, step double precision, after_row bigint
--   (exclusive), last_row bigint (inclusive)
-- Returns: sketches bytea (of each row its position in 4 bytes, ctid in 6, coordinates in a signed one each, distance
--   in 2; null if there are none).
SELECT
    string_agg(
        int4send(sample.position::integer)
        || tidsend(sample.ctid)
        || (
            SELECT
                string_agg(
                    substr(
                        int2send(greatest(-127, least(127, -(axis.direction <#> centered.embedding)))::smallint), 2
                    ),
                    ''::bytea
                    ORDER BY axis.place
                )
            FROM unnest(%(axes)b::vector[]) WITH ORDINALITY AS axis (direction, place)
        )
        || int2send(least(32767, vector_norm(centered.embedding) / %(step)s::double precision)::smallint),
        ''::bytea
        ORDER BY sample.position
    ) AS sketches
FROM work_sample AS sample
CROSS JOIN LATERAL (SELECT sample.embedding - %(origin)b::vector AS embedding LIMIT 1) AS centered
WHERE sample.position > %(after_row)s::bigint AND sample.position <= %(last_row)s::bigint;
