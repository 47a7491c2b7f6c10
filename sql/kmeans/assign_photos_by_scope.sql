-- Assigns the photos of several scopes to the nearest centroids of each, as assign_photos does. Photos are those that
-- were drawn, which is all of these scopes. One that got another owner meanwhile, or was embedded again with another
-- length, is left for the next run.
-- Parameters: scopes bigint[] (null: unscoped), after_rows bigint[] (of each, exclusive), last_rows bigint[],
--   centroids vector[] (those of the first scope, then of the next), firsts integer[] (place in centroids of the first
--   of each scope, from 1), lasts integer[],
--   first_label integer (of the first centroid), fingerprint_vector vector, normalize boolean, dimensions integer,
--   clustered boolean (also those in a cluster)
-- Returns: nothing; the row count is the photos assigned.
INSERT INTO work_assignments (photo_id, label, distance, row_version, fingerprint)
SELECT
    photo.id,
    %(first_label)s::integer + nearest.label AS label,
    nearest.distance,
    photo.row_version,
    photo.embedding <#> %(fingerprint_vector)b::vector AS fingerprint
FROM (
    SELECT
        asked.scope,
        asked.after_row,
        asked.last_row,
        asked.first,
        (%(centroids)b::vector[])[asked.first:asked.last] AS centroids
    FROM
        unnest(
            %(scopes)s::bigint[],
            %(after_rows)s::bigint[],
            %(last_rows)s::bigint[],
            %(firsts)s::integer[],
            %(lasts)s::integer[]
        ) AS asked (scope, after_row, last_row, first, last)
    OFFSET 0
) AS scope
CROSS JOIN
    LATERAL (
        SELECT
            usable.id,
            stored.xmin AS row_version,
            comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding
        FROM work_drawn AS drawn
        INNER JOIN usable_photos AS usable ON drawn.photo_id = usable.id
        INNER JOIN photos AS stored ON drawn.photo_id = stored.id
        WHERE
            drawn.position > scope.after_row
            AND drawn.position <= scope.last_row
            AND usable.scope IS NOT DISTINCT FROM scope.scope
            AND (%(clustered)s::boolean OR usable.cluster_id IS NULL)
            AND usable.embedding IS NOT NULL
        OFFSET 0
    ) AS photo
CROSS JOIN
    LATERAL (
        SELECT
            (scope.first + centroid.place - 2)::integer AS label,
            centroid.embedding <-> photo.embedding AS distance
        FROM unnest(scope.centroids) WITH ORDINALITY AS centroid (embedding, place)
        ORDER BY distance, label
        LIMIT 1
    ) AS nearest
WHERE
    vector_dims(photo.embedding) = %(dimensions)s::integer
    AND (NOT %(normalize)s::boolean OR vector_norm(photo.embedding) > 0);
