-- What each centroid of several scopes is worth: measure_clusters, over the rows and among the centroids of each scope.
-- Parameters: after_rows bigint[] (of each scope, exclusive), last_rows bigint[], centroids vector[] (those of the
--   first scope, then of the next), firsts integer[] (place in centroids of the first of each scope, from 1),
--   lasts integer[]
-- Returns: scope, label (as in lloyd_step_by_scope), error, utility; no row for a centroid without rows.
SELECT
    (scope.place - 1)::integer AS scope,
    nearest.label,
    sum(nearest.first * nearest.first) AS error,
    sum(nearest.second * nearest.second - nearest.first * nearest.first) AS utility
FROM (
    SELECT
        asked.place,
        asked.after_row,
        asked.last_row,
        (%(centroids)b::vector[])[asked.first:asked.last] AS centroids
    FROM
        unnest(
            %(after_rows)s::bigint[], %(last_rows)s::bigint[], %(firsts)s::integer[], %(lasts)s::integer[]
        ) WITH ORDINALITY AS asked (after_row, last_row, first, last, place)
    OFFSET 0
) AS scope
CROSS JOIN
    LATERAL (
        SELECT own.embedding
        FROM work_sample AS own
        WHERE own.position > scope.after_row AND own.position <= scope.last_row
        OFFSET 0
    ) AS sample
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
            FROM unnest(scope.centroids) WITH ORDINALITY AS centroid (embedding, place)
            ORDER BY distance, label
            LIMIT 2
        ) AS two
    ) AS nearest
GROUP BY scope.place, nearest.label;
