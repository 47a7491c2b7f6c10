-- Finds the nearest cluster of each photo in a range of those listed, among those of its scope. An embedding is fetched
-- once (see kmeans/assign_photos); LATERAL and OFFSET 0 look up each photo by its key, and cut the centroids of a scope
-- out once. A photo that somebody placed or pinned since it was listed, or that got another owner, is passed over.
-- Without a limit (infinity) there is one still: a photo so far away that its distance is infinite is as near to any
-- other cluster (pgvector squares differences as float4).
-- A photo that no cluster takes has the label -1 if it lies too far from its nearest, -2 if the limit of that is not
-- known: no such label is given to commit/move_photos.
-- Parameters: scopes bigint[] (null: unscoped), firsts integer[] (where the clusters of each begin, from 1),
--   lasts integer[], labels integer[] (of a scope side by side, by rising id), centroids vector[] (of each, as
--   list_clusters gives them), limits double precision[] (the farthest each takes; null: not known),
--   normalize boolean, dimensions integer, fingerprint_vector vector (as in kmeans/assign_photos), after_row bigint
--   (exclusive),
--   last_row bigint (inclusive)
-- Returns: nothing; the row count is the photos that have a nearest cluster.
INSERT INTO work_assignments (photo_id, label, distance, row_version, fingerprint)
SELECT
    candidate.photo_id,
    CASE
        WHEN
            nearest.distance < 'Infinity'
            AND (%(limits)s::double precision[])[nearest.place] >= CASE
                WHEN %(normalize)s::boolean THEN nearest.distance * nearest.distance / 2
                ELSE nearest.distance
            END
            THEN (%(labels)s::integer[])[nearest.place]
        WHEN nearest.distance < 'Infinity' AND (%(limits)s::double precision[])[nearest.place] IS NULL THEN -2
        ELSE -1
    END AS label,
    nearest.distance,
    photo.row_version,
    photo.embedding <#> %(fingerprint_vector)b::vector AS fingerprint
FROM (
    SELECT
        asked.scope,
        asked.first,
        (%(centroids)b::vector[])[asked.first:asked.last] AS centroids
    FROM unnest(%(scopes)s::bigint[], %(firsts)s::integer[], %(lasts)s::integer[]) AS asked (scope, first, last)
    OFFSET 0
) AS own
CROSS JOIN
    LATERAL (
        SELECT
            listed.photo_id,
            listed.cluster_id
        FROM work_candidates AS listed
        WHERE
            listed.position > %(after_row)s::bigint
            AND listed.position <= %(last_row)s::bigint
            AND listed.scope IS NOT DISTINCT FROM own.scope
        OFFSET 0
    ) AS candidate
CROSS JOIN
    LATERAL (
        SELECT
            found.xmin AS row_version,
            comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding
        FROM photos AS found
        INNER JOIN usable_photos AS usable ON found.id = usable.id
        WHERE
            found.id = candidate.photo_id
            AND usable.id = candidate.photo_id
            AND found.cluster_id IS NOT DISTINCT FROM candidate.cluster_id
            AND found.cluster_pinned IS NOT TRUE
            AND usable.scope IS NOT DISTINCT FROM own.scope
        OFFSET 0
    ) AS photo
CROSS JOIN
    LATERAL (
        SELECT
            (own.first + cluster.place - 1)::integer AS place,
            cluster.centroid <-> photo.embedding AS distance
        FROM unnest(own.centroids) WITH ORDINALITY AS cluster (centroid, place)
        ORDER BY distance, place
        LIMIT 1
    ) AS nearest
WHERE
    vector_dims(photo.embedding) = %(dimensions)s::integer
    AND (NOT %(normalize)s::boolean OR vector_norm(photo.embedding) > 0);
