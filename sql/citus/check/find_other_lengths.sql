-- What find_other_lengths does, where photos are distributed: the lengths of all embeddings are looked at, each on its
-- shard, as by survey/count_photos there.
-- Returns: cluster_id, expected (dimensions of the centroid), dimensions, photos; in the order of cluster_id.
SELECT
    photo.cluster_id,
    vector_dims(cluster.centroid) AS expected,
    vector_dims(photo.embedding) AS dimensions,
    count(*) AS photos
FROM usable_photos AS photo
INNER JOIN clusters AS cluster ON photo.cluster_id = cluster.id
WHERE vector_dims(photo.embedding) <> vector_dims(cluster.centroid)
GROUP BY photo.cluster_id, expected, dimensions
ORDER BY photo.cluster_id, dimensions;
