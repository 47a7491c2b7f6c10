-- What each centroid is worth over a range of the sample (Fritzke 2020, breathing k-means): its error, and its utility,
-- which is how much the error would rise if it were removed and its rows went to their second nearest.
-- Parameters: centroids vector[], after_row bigint (exclusive), last_row bigint (inclusive)
-- Returns: label, error, utility; no row for a centroid without rows.
SELECT
    nearest.label,
    sum(nearest.first * nearest.first) AS error,
    sum(nearest.second * nearest.second - nearest.first * nearest.first) AS utility
FROM work_sample AS sample
CROSS JOIN
    LATERAL (
        SELECT
            (array_agg(two.label ORDER BY two.distance, two.label))[1] AS label,
            min(two.distance) AS first,
            max(two.distance) AS second
        FROM (
            SELECT
                (centroid.place - 1)::integer AS label,
                centroid.embedding <-> sample.embedding AS distance
            FROM unnest(%(centroids)b::vector[]) WITH ORDINALITY AS centroid (embedding, place)
            ORDER BY distance, label
            LIMIT 2
        ) AS two
    ) AS nearest
WHERE sample.position > %(after_row)s::bigint AND sample.position <= %(last_row)s::bigint
GROUP BY nearest.label;
