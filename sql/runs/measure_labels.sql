-- Writes how far each labelled photo is from the centroid of its label, and the fingerprint of its embedding.
-- Parameters: labels integer[], centroids vector[] (of each; one less than labels: of the last, photos that are left
--   out, there is no distance), fingerprint_vector vector (as in kmeans/assign_photos), normalize boolean
-- Returns: nothing; the row count is the photos.
UPDATE work_assignments
SET
    distance = measured.embedding <-> measured.centroid,
    fingerprint = measured.embedding <#> %(fingerprint_vector)b::vector
FROM (
    SELECT
        usable.id,
        made.label,
        made.centroid,
        photo.embedding
    FROM usable_photos AS usable
    CROSS JOIN
        LATERAL (
            SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding
            LIMIT 1
        ) AS photo
    CROSS JOIN unnest(%(labels)s::integer[], %(centroids)b::vector[]) AS made (label, centroid)
) AS measured
WHERE work_assignments.photo_id = measured.id AND work_assignments.label = measured.label;
