-- The Lloyd step of lloyd_step for many centroids: a row looks for its centroid among the candidates of its cell alone.
-- Rows are collected by cell, so that candidates are set out once for all of them.
-- Parameters: centroids vector[], labels integer[] (candidates of the first cell, then of the next, by place in
--   centroids from 0), width integer (candidates of each), after_row bigint (exclusive),
--   last_row bigint (inclusive)
-- Returns: label, rows, mean, error (sum of squared distances); no row for a centroid without rows.
SELECT
    placed.label,
    count(*) AS rows,
    avg(placed.embedding) AS mean,
    sum(placed.distance * placed.distance) AS error
FROM (
    SELECT
        found.cell * %(width)s::integer + 1 AS first,
        (found.cell + 1) * %(width)s::integer AS last,
        array_agg(sample.embedding ORDER BY sample.position) AS embeddings
    FROM fluffy_sql_work.sample AS sample
    INNER JOIN fluffy_sql_work.sample_cells AS found ON sample.position = found.position
    WHERE sample.position > %(after_row)s::bigint AND sample.position <= %(last_row)s::bigint
    GROUP BY found.cell
) AS located
CROSS JOIN
    LATERAL (
        SELECT
            array_agg(centroid.embedding) AS centroids,
            array_agg(candidate.label) AS labels
        FROM unnest((%(labels)b::integer[])[located.first:located.last]) AS candidate (label)
        INNER JOIN
            unnest(%(centroids)b::vector[]) WITH ORDINALITY AS centroid (embedding, place)
            ON centroid.place = candidate.label + 1
    ) AS candidates
CROSS JOIN
    LATERAL (
        SELECT
            photo.embedding,
            nearest.label,
            nearest.distance
        FROM unnest(located.embeddings) AS photo (embedding)
        CROSS JOIN
            LATERAL (
                SELECT
                    centroid.label,
                    centroid.embedding <-> photo.embedding AS distance
                FROM unnest(candidates.centroids, candidates.labels) AS centroid (embedding, label)
                ORDER BY distance, centroid.label
                LIMIT 1
            ) AS nearest
        OFFSET 0
    ) AS placed
GROUP BY placed.label;
