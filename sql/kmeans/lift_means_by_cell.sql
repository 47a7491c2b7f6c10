-- What lift_means does, for many centroids: rows look among the candidates of their cell, as in lloyd_step_by_cell.
-- Parameters: centroids vector[], labels integer[] (candidates of the first cell, then of the next, by place in
--   centroids from 0), width integer (candidates of each), normalize boolean, dimensions integer,
--   after_row bigint (exclusive), last_row bigint (inclusive)
-- Returns: label, rows, mean; no row for a centroid without rows.
SELECT
    lifted.label,
    count(*) AS rows,
    avg(lifted.embedding) AS mean
FROM (
    SELECT
        placed.label,
        CASE
            WHEN %(normalize)s::boolean THEN l2_normalize(usable.embedding)
            ELSE vector(usable.embedding, -1, FALSE)
        END AS embedding
    FROM (
        SELECT
            found.cell * %(width)s::integer + 1 AS first,
            (found.cell + 1) * %(width)s::integer AS last,
            array_agg(sample.photo_id ORDER BY sample.position) AS photo_ids,
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
                photo.photo_id,
                nearest.label,
                nearest.distance
            FROM unnest(located.photo_ids, located.embeddings) AS photo (photo_id, embedding)
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
    INNER JOIN usable_photos AS usable ON placed.photo_id = usable.id
    WHERE usable.embedding IS NOT NULL
    OFFSET 0
) AS lifted
WHERE vector_dims(lifted.embedding) = %(dimensions)s::integer
GROUP BY lifted.label;
