-- What assign_photos does, for many centroids: a photo finds the nearest of a few cells first, and then its centroid
-- among the candidates of that cell alone.
-- A range should be of some thousand photos: they are held in memory, and candidates are set out once for all of them.
-- Parameters: centroids vector[], centers vector[] (of the cells), labels integer[] (candidates of the first cell, then
--   of the next, by place in centroids from 0), width integer (candidates of each), probe vector, normalize boolean,
--   dimensions integer, scope bigint (null: nobody's own), clustered boolean (also those in a cluster),
--   after_id bigint (exclusive), last_id bigint (inclusive)
-- Returns: nothing; the row count is the photos assigned.
INSERT INTO fluffy_sql_work.assignments (photo_id, label, distance, row_version, fingerprint)
SELECT
    placed.photo_id,
    placed.label,
    placed.distance,
    placed.row_version,
    placed.fingerprint
FROM (
    SELECT
        row_in_cell.cell * %(width)s::integer + 1 AS first,
        (row_in_cell.cell + 1) * %(width)s::integer AS last,
        array_agg(row_in_cell.photo_id) AS photo_ids,
        array_agg(row_in_cell.row_version) AS row_versions,
        array_agg(row_in_cell.embedding) AS embeddings
    FROM (
        SELECT
            fetched.photo_id,
            fetched.row_version,
            fetched.embedding,
            nearest.cell
        FROM (
            SELECT
                usable.id AS photo_id,
                stored.xmin AS row_version,
                CASE
                    WHEN %(normalize)s::boolean THEN l2_normalize(usable.embedding)
                    ELSE vector(usable.embedding, -1, FALSE)
                END AS embedding
            FROM usable_photos AS usable
            INNER JOIN photos AS stored ON usable.id = stored.id
            WHERE
                usable.id > %(after_id)s::bigint
                AND usable.id <= %(last_id)s::bigint
                AND stored.id > %(after_id)s::bigint
                AND stored.id <= %(last_id)s::bigint
                AND usable.scope IS NOT DISTINCT FROM %(scope)s::bigint
                AND (%(clustered)s::boolean OR usable.cluster_id IS NULL)
                AND usable.embedding IS NOT NULL
            OFFSET 0
        ) AS fetched
        CROSS JOIN
            LATERAL (
                SELECT
                    (centroid.place - 1)::integer AS cell,
                    centroid.embedding <-> fetched.embedding AS distance
                FROM unnest(%(centers)b::vector[]) WITH ORDINALITY AS centroid (embedding, place)
                ORDER BY distance, cell
                LIMIT 1
            ) AS nearest
        WHERE
            vector_dims(fetched.embedding) = %(dimensions)s::integer
            AND (NOT %(normalize)s::boolean OR vector_norm(fetched.embedding) > 0)
        OFFSET 0
    ) AS row_in_cell
    GROUP BY row_in_cell.cell
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
            nearest.distance,
            photo.row_version,
            photo.embedding <#> %(probe)b::vector AS fingerprint
        FROM
            unnest(located.photo_ids, located.row_versions, located.embeddings)
                AS photo (photo_id, row_version, embedding)
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
    ) AS placed;
