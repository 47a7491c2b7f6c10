-- Clusters with photos whose embedding is not as long as their centroid. All photos are read, but no more than one
-- embedding of each length is fetched in each cluster: see survey/count_photos.
-- Returns: cluster_id, expected (dimensions of the centroid), dimensions, photos; in the order of cluster_id.
WITH alike AS MATERIALIZED (
    SELECT
        photo.cluster_id,
        vector_dims(cluster.centroid) AS expected,
        count(*) AS photos,
        min(photo.id) AS example_id
    FROM usable_photos AS photo
    INNER JOIN clusters AS cluster ON photo.cluster_id = cluster.id
    WHERE photo.embedding IS NOT NULL AND cluster.centroid IS NOT NULL
    GROUP BY photo.cluster_id, expected, pg_column_size(photo.embedding)
)

SELECT
    alike.cluster_id,
    alike.expected,
    vector_dims(example.embedding) AS dimensions,
    sum(alike.photos)::bigint AS photos
FROM usable_photos AS example
INNER JOIN alike ON example.id = alike.example_id
WHERE vector_dims(example.embedding) <> alike.expected
GROUP BY alike.cluster_id, alike.expected, dimensions
ORDER BY alike.cluster_id, dimensions;
