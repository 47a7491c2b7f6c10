-- Labels a range of the sample by two trainings, and measures how well the first one separates it: the simplified
-- silhouette (Hruschka et al. 2004), 1 - own / other, from the distances to the nearest and second nearest centroid.
-- A row that lies on both has 0; with one centroid there is none.
-- Parameters: centroids vector[], other_centroids vector[], after_row bigint (exclusive), last_row bigint (inclusive)
-- Returns: nothing; the row count is the rows labelled.
INSERT INTO fluffy_sql_measured (label, other_label, distance, silhouette, embedding)
SELECT
    nearest.label,
    other_nearest.label AS other_label,
    nearest.own AS distance,
    coalesce(1 - nearest.own / nullif(nearest.other, 0), nearest.other) AS silhouette,
    sample.embedding
FROM fluffy_sql_sample AS sample
CROSS JOIN
    LATERAL (
        SELECT
            (array_agg(two.label ORDER BY two.distance, two.label))[1] AS label,
            min(two.distance) AS own,
            CASE WHEN count(*) > 1 THEN max(two.distance) END AS other
        FROM (
            SELECT
                (centroid.place - 1)::integer AS label,
                centroid.embedding <-> sample.embedding AS distance
            FROM unnest(%(centroids)b::vector[]) WITH ORDINALITY AS centroid (embedding, place)
            ORDER BY distance, label
            LIMIT 2
        ) AS two
    ) AS nearest
CROSS JOIN
    LATERAL (
        SELECT
            (centroid.place - 1)::integer AS label,
            centroid.embedding <-> sample.embedding AS distance
        FROM unnest(%(other_centroids)b::vector[]) WITH ORDINALITY AS centroid (embedding, place)
        ORDER BY distance, label
        LIMIT 1
    ) AS other_nearest
WHERE sample.position > %(after_row)s::bigint AND sample.position <= %(last_row)s::bigint;
