-- Counts the usable photos by the length of their embeddings. All photos are read, but one embedding of each size is
-- fetched: see survey/count_photos.
-- Returns: dimensions, photos; the length of most photos first.
WITH alike AS MATERIALIZED (
    SELECT
        count(*) AS photos,
        min(id) AS example_id
    FROM usable_photos
    WHERE embedding IS NOT NULL
    GROUP BY pg_column_size(embedding)
)

SELECT
    vector_dims(example.embedding) AS dimensions,
    sum(alike.photos)::bigint AS photos
FROM usable_photos AS example
INNER JOIN alike ON example.id = alike.example_id
GROUP BY dimensions
ORDER BY photos DESC, dimensions ASC;
