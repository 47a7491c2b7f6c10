-- One Lloyd step of several scopes at once, each a k-means of its own: what lloyd_step does, over the rows and among
-- the centroids of each scope. The slice of centroids is cut once for all rows of a scope,
-- and OFFSET 0 has its rows looked up by their positions.
-- Parameters: after_rows bigint[] (of each scope, exclusive), last_rows bigint[], centroids vector[] (those of the
--   first scope, then of the next), firsts integer[] (place in centroids of the first of each scope, from 1),
--   lasts integer[]
-- Returns: scope (its place in after_rows, from 0), label (place among the centroids of the scope, from 0), rows, mean,
--   error (sum of squared distances); no row for a centroid without rows.
SELECT
    (scope.place - 1)::integer AS scope,
    nearest.label,
    count(*) AS rows,
    avg(sample.embedding) AS mean,
    sum(nearest.distance * nearest.distance) AS error
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
            (centroid.place - 1)::integer AS label,
            centroid.embedding <-> sample.embedding AS distance
        FROM unnest(scope.centroids) WITH ORDINALITY AS centroid (embedding, place)
        ORDER BY distance, label
        LIMIT 1
    ) AS nearest
GROUP BY scope.place, nearest.label;
