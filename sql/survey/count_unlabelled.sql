-- Counts the photos that a run had to cluster and gave no label: zero vectors under cosine, photos of another length,
-- and what changed during the run.
-- Parameters: clustered boolean (also those in a cluster)
-- Returns: dimensions, photos, zero_vectors; a row for each length.
SELECT
    vector_dims(photo.embedding) AS dimensions,
    count(*) AS photos,
    count(*) FILTER (WHERE vector_norm(photo.embedding) = 0) AS zero_vectors
FROM usable_photos AS usable
LEFT JOIN work_assignments AS assignment ON usable.id = assignment.photo_id
CROSS JOIN LATERAL (SELECT vector(usable.embedding, -1, FALSE) AS embedding LIMIT 1) AS photo
WHERE
    (%(clustered)s::boolean OR usable.cluster_id IS NULL)
    AND usable.embedding IS NOT NULL
    AND assignment.photo_id IS NULL
GROUP BY dimensions
ORDER BY photos DESC, dimensions ASC;
