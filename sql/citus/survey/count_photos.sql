-- count_photos, if photos are distributed: the lengths of all embeddings are read, each on its shard, since an example
-- may lie on any.
-- Returns: scope, clustered, dimensions (null: no embedding), photos.
SELECT
    scope::bigint AS scope,
    cluster_id IS NOT NULL AS clustered,
    vector_dims(embedding) AS dimensions,
    count(*) AS photos
FROM usable_photos
GROUP BY scope, clustered, dimensions
ORDER BY photos DESC, dimensions ASC, scope ASC;
