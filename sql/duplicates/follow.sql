-- Gives photos that were set aside the label of the best of their group, if that has one and they are still as they
-- were: of its scope, and with the embedding that made them near-duplicates.
-- Parameters: labels integer[] (of the run; -1: left out), scopes bigint[] (of each; null: unscoped), centroids
--   vector[] (of each but the last, which is -1),
--   fingerprint_vector vector (as in kmeans/assign_photos), normalize boolean, clustered boolean (also those in a
--   cluster)
-- Returns: nothing; the row count is the photos.
WITH following AS MATERIALIZED (
    SELECT
        aside.photo_id,
        found.embedding_hash,
        made.label,
        made.scope,
        made.centroid
    FROM work_duplicates AS aside
    INNER JOIN photo_duplicates AS found ON aside.photo_id = found.photo_id
    INNER JOIN work_assignments AS best ON aside.best_id = best.photo_id
    INNER JOIN
        unnest(%(labels)s::integer[], %(scopes)s::bigint[], %(centroids)b::vector[]) AS made (label, scope, centroid)
        ON best.label = made.label
)

INSERT INTO work_assignments (photo_id, label, distance, row_version, fingerprint)
SELECT
    following.photo_id,
    following.label,
    photo.embedding <-> following.centroid AS distance,
    photo.row_version,
    photo.embedding <#> %(fingerprint_vector)b::vector AS fingerprint
FROM following
CROSS JOIN
    LATERAL (
        SELECT
            stored.xmin AS row_version,
            comparable_embedding(fetched.embedding, %(normalize)s::boolean) AS embedding
        FROM photos AS stored
        INNER JOIN usable_photos AS usable ON stored.id = usable.id
        CROSS JOIN LATERAL unnest(ARRAY[usable.embedding]) AS fetched (embedding)
        WHERE
            stored.id = following.photo_id
            AND usable.id = following.photo_id
            AND (following.label < 0 OR usable.scope IS NOT DISTINCT FROM following.scope)
            AND (%(clustered)s::boolean OR usable.cluster_id IS NULL)
            AND hash_array_extended(fetched.embedding::real[], 0) = following.embedding_hash
        OFFSET 0
    ) AS photo;
