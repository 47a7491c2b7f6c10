-- Looks at every photo that has an embedding and no cluster, fetching each embedding once: vector() returns the
-- value itself and OFFSET 0 keeps the planner from evaluating it anew for each use.
-- Returns: dimensions, photos, zero_vectors; one row for each number of dimensions, most photos first.
SELECT
    vector_dims(photo.embedding) AS dimensions,
    count(*) AS photos,
    count(*) FILTER (WHERE vector_norm(photo.embedding) = 0) AS zero_vectors
FROM (
    SELECT vector(embedding, -1, FALSE) AS embedding
    FROM usable_photos
    WHERE cluster_id IS NULL AND embedding IS NOT NULL
    OFFSET 0
) AS photo
GROUP BY dimensions
ORDER BY photos DESC, dimensions ASC;
