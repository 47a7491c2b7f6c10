-- find_nearest, if photos are distributed: a slice of centroids that is cut out first would be a table of
-- the coordinator's, so each photo passes over the centroids of other scopes. xmin is that of its shard, labels are as
-- there.
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
FROM work_candidates AS candidate
INNER JOIN unnest(%(scopes)s::bigint[], %(firsts)s::integer[], %(lasts)s::integer[]) AS own (scope, first, last)
    ON candidate.scope IS NOT DISTINCT FROM own.scope
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
            AND usable.scope IS NOT DISTINCT FROM candidate.scope
        OFFSET 0
    ) AS photo
CROSS JOIN
    LATERAL (
        SELECT
            cluster.place::integer AS place,
            cluster.centroid <-> photo.embedding AS distance
        FROM unnest(%(centroids)b::vector[]) WITH ORDINALITY AS cluster (centroid, place)
        WHERE cluster.place BETWEEN own.first AND own.last
        ORDER BY distance, place
        LIMIT 1
    ) AS nearest
WHERE
    candidate.position > %(after_row)s::bigint
    AND candidate.position <= %(last_row)s::bigint
    AND vector_dims(photo.embedding) = %(dimensions)s::integer
    AND (NOT %(normalize)s::boolean OR vector_norm(photo.embedding) > 0);
