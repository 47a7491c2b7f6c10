-- draw_splits for many centroids, if the centroid of each row is known.
-- Parameters: cells integer[] (of the first rows, one after the other, which centroid it is at), chosen integer[] (of
--   which to draw), blocks vector[], per_block integer, length integer (the three as in lloyd_step_by_cell), seed
--   bigint
-- Returns: label, embedding; no row for a cluster whose rows all lie on the centroid.
SELECT DISTINCT ON (located.label)
    located.label,
    located.embedding
FROM (
    SELECT
        position,
        embedding,
        (%(cells)b::integer[])[position::integer] AS label
    FROM work_sample
    WHERE position <= cardinality(%(cells)b::integer[])
) AS located
CROSS JOIN
    LATERAL (
        SELECT
            subvector(
                (%(blocks)b::vector[])[1 + located.label / %(per_block)s::integer],
                1 + mod(located.label, %(per_block)s::integer) * %(length)s::integer,
                %(length)s::integer
            ) <-> located.embedding AS distance
    ) AS own
WHERE located.label = any(%(chosen)s::integer[]) AND own.distance > 0
ORDER BY
    located.label ASC,
    -ln(
        ((hashint8extended(located.position, %(seed)s::bigint) & 9007199254740991)::double precision + 0.5)
        / 9007199254740992
    ) / (own.distance * own.distance) ASC,
    located.position ASC;
