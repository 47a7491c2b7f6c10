-- Draws one row of each given cluster, with a chance that grows with its squared distance to the centroid, as
-- k-means++ does (Arthur and Vassilvitskii 2007). The smallest -ln(u) / weight is a weighted draw (Efraimidis and
-- Spirakis 2006); u comes from a hash of the position, so the same seed draws the same rows.
-- Parameters: centroids vector[], labels integer[], seed bigint, rows bigint
-- Returns: label, embedding; no row for a cluster whose rows all lie on the centroid.
WITH drawn AS MATERIALIZED (
    SELECT DISTINCT ON (nearest.label)
        nearest.label,
        sample.position
    FROM work_sample AS sample
    CROSS JOIN
        LATERAL (
            SELECT
                (centroid.place - 1)::integer AS label,
                centroid.embedding <-> sample.embedding AS distance
            FROM unnest(%(centroids)b::vector[]) WITH ORDINALITY AS centroid (embedding, place)
            ORDER BY distance, label
            LIMIT 1
        ) AS nearest
    WHERE
        sample.position <= %(rows)s::bigint
        AND nearest.label = any(%(labels)s::integer[])
        AND nearest.distance > 0
    ORDER BY
        nearest.label ASC,
        -ln(
            ((hashint8extended(sample.position, %(seed)s::bigint) & 9007199254740991)::double precision + 0.5)
            / 9007199254740992
        ) / (nearest.distance * nearest.distance) ASC,
        sample.position ASC
)

SELECT
    drawn.label,
    sample.embedding
FROM work_sample AS sample
INNER JOIN drawn ON sample.position = drawn.position
ORDER BY drawn.label;
