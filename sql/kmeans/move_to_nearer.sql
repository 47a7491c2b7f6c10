-- Moves photos to new centroids if these are nearer than the one they have.
-- Parameters: centroids vector[], labels integer[] (the label of each), normalize boolean, dimensions integer
-- Returns: nothing; the row count is the photos moved.
UPDATE work_assignments AS assignment
SET
    label = nearer.label,
    distance = nearer.distance
FROM (
    SELECT
        usable.id,
        nearest.label,
        nearest.distance
    FROM usable_photos AS usable
    INNER JOIN work_assignments AS assigned ON usable.id = assigned.photo_id
    CROSS JOIN
        LATERAL (
            SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding
            LIMIT 1
        ) AS photo
    CROSS JOIN
        LATERAL (
            SELECT
                centroid.label,
                centroid.embedding <-> photo.embedding AS distance
            FROM unnest(%(centroids)b::vector[], %(labels)s::integer[]) AS centroid (embedding, label)
            ORDER BY distance, centroid.label
            LIMIT 1
        ) AS nearest
    WHERE usable.embedding IS NOT NULL AND vector_dims(photo.embedding) = %(dimensions)s::integer
) AS nearer
WHERE assignment.photo_id = nearer.id AND nearer.distance < assignment.distance;
