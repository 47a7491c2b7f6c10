-- Labels the photos of a range of the sample by two trainings, and measures how well the first one separates them: the
-- simplified silhouette (Hruschka et al. 2004), 1 - own / other, from the distances to the nearest and second nearest
-- centroid. A photo that lies on both has 0; with one centroid there is none.
-- A photo embedded again with another length, or with zeros, meanwhile is passed over.
-- LATERAL and OFFSET 0 look up each photo by its key: a join may compare all photos first.
-- Parameters: centroids vector[], other_centroids vector[], normalize boolean, dimensions integer,
--   after_row bigint (exclusive), last_row bigint (inclusive)
-- Returns: nothing; the row count is the photos labelled.
INSERT INTO work_measured (photo_id, label, other_label, distance, silhouette, embedding)
SELECT
    sample.photo_id,
    nearest.label,
    other_nearest.label AS other_label,
    nearest.own AS distance,
    coalesce(1 - nearest.own / nullif(nearest.other, 0), nearest.other) AS silhouette,
    photo.embedding
FROM work_sample AS sample
CROSS JOIN
    LATERAL (
        SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding
        FROM usable_photos AS usable
        WHERE usable.id = sample.photo_id AND usable.embedding IS NOT NULL
        OFFSET 0
    ) AS photo
CROSS JOIN
    LATERAL (
        SELECT
            (array_agg(two.label ORDER BY two.distance, two.label))[1] AS label,
            min(two.distance) AS own,
            CASE WHEN count(*) > 1 THEN max(two.distance) END AS other
        FROM (
            SELECT
                (centroid.place - 1)::integer AS label,
                centroid.embedding <-> photo.embedding AS distance
            FROM unnest(%(centroids)b::vector[]) WITH ORDINALITY AS centroid (embedding, place)
            ORDER BY distance, label
            LIMIT 2
        ) AS two
    ) AS nearest
CROSS JOIN
    LATERAL (
        SELECT
            (centroid.place - 1)::integer AS label,
            centroid.embedding <-> photo.embedding AS distance
        FROM unnest(%(other_centroids)b::vector[]) WITH ORDINALITY AS centroid (embedding, place)
        ORDER BY distance, label
        LIMIT 1
    ) AS other_nearest
WHERE
    sample.position > %(after_row)s::bigint
    AND sample.position <= %(last_row)s::bigint
    AND vector_dims(photo.embedding) = %(dimensions)s::integer
    AND (NOT %(normalize)s::boolean OR vector_norm(photo.embedding) > 0);
