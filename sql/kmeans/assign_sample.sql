-- assign_photos for the photos of a range of the sample: training knows a centroid that is near to each, so
-- a photo is compared with the candidates around that one alone.
-- Parameters: cells integer[] (of the rows of the range, one after the other), candidates integer[] (of the
--   first cell, then of the next, as places of centroids from 0), width integer (candidates of each), blocks vector[]
--   (centroids end to end, many in a vector: the n-th of an array is found by passing over those before it), per_block
--   integer (centroids in each), length integer (of a centroid),
--   fingerprint_vector vector, normalize boolean, dimensions integer, scope bigint (null: unscoped), clustered
--   boolean (also
--   those in a cluster), after_row bigint (exclusive), last_row bigint (inclusive)
-- Returns: nothing; the row count is the photos assigned.
INSERT INTO work_assignments (photo_id, label, distance, row_version, fingerprint)
SELECT
    sample.photo_id,
    nearest.label,
    nearest.distance,
    photo.row_version,
    photo.embedding <#> %(fingerprint_vector)b::vector AS fingerprint
FROM (
    SELECT
        photo_id,
        (%(cells)b::integer[])[(position - %(after_row)s::bigint)::integer] AS cell
    FROM work_sample
    WHERE position > %(after_row)s::bigint AND position <= %(last_row)s::bigint
    ORDER BY photo_id
) AS sample
CROSS JOIN
    LATERAL (
        SELECT
            stored.xmin AS row_version,
            comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding
        FROM usable_photos AS usable
        INNER JOIN photos AS stored ON usable.id = stored.id
        WHERE
            usable.id = sample.photo_id
            AND usable.scope IS NOT DISTINCT FROM %(scope)s::bigint
            AND (%(clustered)s::boolean OR usable.cluster_id IS NULL)
            AND usable.embedding IS NOT NULL
        OFFSET 0
    ) AS photo
CROSS JOIN
    LATERAL nearest_candidate(
        photo.embedding, sample.cell, %(candidates)b::integer[], %(width)s::integer, %(blocks)b::vector[],
        %(per_block)s::integer, %(length)s::integer
    ) AS nearest
WHERE
    vector_dims(photo.embedding) = %(dimensions)s::integer
    AND (NOT %(normalize)s::boolean OR vector_norm(photo.embedding) > 0);
