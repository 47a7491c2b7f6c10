-- assign_photos for many centroids: a photo is compared with the candidates of the two nearest cells alone.
-- Parameters: centers vector[] (of the cells), candidates integer[] (of the first cell, then of the next, as
--   places of centroids from 0), width integer (candidates of each), blocks vector[], per_block integer, length integer
--   (the three as in lloyd_step_by_cell), fingerprint_vector vector, normalize boolean, dimensions integer, scope
--   bigint (null:
--   unscoped), clustered boolean (also those in a cluster), after_id bigint (exclusive), last_id bigint
--   (inclusive), assigned bigint (the last position of work_drawn whose photo assign_sample assigned; 0:
--   none was)
-- Returns: nothing; the row count is the photos assigned.
INSERT INTO work_assignments (photo_id, label, distance, row_version, fingerprint)
SELECT
    photo.id,
    nearest.label,
    nearest.distance,
    photo.row_version,
    photo.embedding <#> %(fingerprint_vector)b::vector AS fingerprint
FROM (
    SELECT
        usable.id,
        stored.xmin AS row_version,
        comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding
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
        AND NOT EXISTS (
            SELECT FROM work_drawn AS drawn
            WHERE
                drawn.photo_id = usable.id
                AND drawn.photo_id > %(after_id)s::bigint
                AND drawn.photo_id <= %(last_id)s::bigint
                AND drawn.position <= %(assigned)s::bigint
        )
        AND NOT EXISTS (
            SELECT FROM work_duplicates AS aside
            WHERE aside.photo_id = usable.id
        )
    OFFSET 0
) AS photo
CROSS JOIN
    LATERAL (
        SELECT
            candidate.label,
            candidate.distance
        FROM (
            SELECT
                (center.place - 1)::integer AS cell,
                center.embedding <-> photo.embedding AS distance
            FROM unnest(%(centers)b::vector[]) WITH ORDINALITY AS center (embedding, place)
            ORDER BY distance, cell
            LIMIT 2
        ) AS located
        CROSS JOIN
            LATERAL nearest_candidate(
                photo.embedding, located.cell, %(candidates)b::integer[], %(width)s::integer, %(blocks)b::vector[],
                %(per_block)s::integer, %(length)s::integer
            ) AS candidate
        ORDER BY candidate.distance, candidate.label
        LIMIT 1
    ) AS nearest
WHERE
    vector_dims(photo.embedding) = %(dimensions)s::integer
    AND (NOT %(normalize)s::boolean OR vector_norm(photo.embedding) > 0);
