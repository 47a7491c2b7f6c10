-- Sketches of rows: coordinates along a few axes and the distance from the origin, in steps. What is beyond a byte,
-- half a byte, or two for the distance is cut off. unnest stands in the select list: nothing is copied there, and rows
-- come in order.
-- Parameters: axes vector[] (as long as a step takes; a byte for each), upper vector[], lower vector[] (a byte for one
--   of each), origin vector, step double precision, after_row bigint (exclusive), last_row bigint (inclusive)
-- Returns: sketches bytea (of each row its position in 4 bytes, ctid in 6, coordinates in a signed one each, then two
--   in one, the lower one plus 8, distance in 2; null if there are none).
SELECT
    string_agg(
        int4send(sample.position::integer)
        || tidsend(sample.ctid)
        || coalesce(
            (
                SELECT
                    string_agg(
                        set_byte(
                            '\x00'::bytea,
                            0,
                            greatest(-127, least(127, -(axis.direction <#> centered.embedding)))::integer
                        ),
                        ''::bytea
                    )
                FROM (SELECT unnest(%(axes)b::vector[]) AS direction) AS axis
            ),
            ''::bytea
        )
        || coalesce(
            (
                SELECT
                    string_agg(
                        set_byte(
                            '\x00'::bytea,
                            0,
                            greatest(-8, least(7, -(axis.upper <#> centered.embedding)))::integer * 16
                            + greatest(-8, least(7, -(axis.lower <#> centered.embedding)))::integer + 8
                        ),
                        ''::bytea
                    )
                FROM (
                    SELECT
                        unnest(%(upper)b::vector[]) AS upper,
                        unnest(%(lower)b::vector[]) AS lower
                ) AS axis
            ),
            ''::bytea
        )
        || int2send(least(32767, vector_norm(centered.embedding) / %(step)s::double precision)::smallint),
        ''::bytea
        ORDER BY sample.position
    ) AS sketches
FROM work_sample AS sample
CROSS JOIN LATERAL (SELECT sample.embedding - %(origin)b::vector AS embedding LIMIT 1) AS centered
WHERE sample.position > %(after_row)s::bigint AND sample.position <= %(last_row)s::bigint;
