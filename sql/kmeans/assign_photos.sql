-- Assigns the photos of a range of ids to their nearest centroids. Each embedding is fetched once: the function
-- call in the first LATERAL returns the value itself, and LIMIT 1 keeps it from being evaluated for each centroid.
-- (It stands in a subquery of its own: in one that reads photos, Citus would carry them to the coordinator.)
-- The nearest is found as in lloyd_step.
-- A photo that was embedded again with another length during the run is left for the next run.
-- Parameters: centroids vector[], fingerprint_vector vector (any; its product with an embedding is the fingerprint),
--   normalize boolean, dimensions integer, scope bigint (null: unscoped), clustered boolean (also those
--   in a cluster), after_id bigint (exclusive), last_id bigint (inclusive)
-- Returns: nothing; the row count is the photos assigned.
INSERT INTO work_assignments (photo_id, label, distance, row_version, fingerprint)
SELECT
    usable.id,
    nearest.label,
    nearest.distance,
    stored.xmin AS row_version,
    photo.embedding <#> %(fingerprint_vector)b::vector AS fingerprint
FROM usable_photos AS usable
INNER JOIN photos AS stored ON usable.id = stored.id
CROSS JOIN LATERAL (SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding LIMIT 1) AS photo
CROSS JOIN
    LATERAL (
        SELECT
            array_position(array_agg(compared.distance), min(compared.distance)) - 1 AS label,
            min(compared.distance) AS distance
        FROM (
            SELECT centroid.embedding <-> photo.embedding AS distance
            FROM unnest(%(centroids)b::vector[]) AS centroid (embedding)
            OFFSET 0
        ) AS compared
    ) AS nearest
WHERE
    usable.id > %(after_id)s::bigint
    AND usable.id <= %(last_id)s::bigint
    AND stored.id > %(after_id)s::bigint
    AND stored.id <= %(last_id)s::bigint
    AND usable.scope IS NOT DISTINCT FROM %(scope)s::bigint
    AND (%(clustered)s::boolean OR usable.cluster_id IS NULL)
    AND usable.embedding IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM work_duplicates AS aside
        WHERE aside.photo_id = usable.id
    )
    AND vector_dims(photo.embedding) = %(dimensions)s::integer
    AND (NOT %(normalize)s::boolean OR vector_norm(photo.embedding) > 0);
