-- Counts the usable photos by scope and the length of their embeddings without fetching them: those that take the same
-- space are of the same length, so one of each is read (0.02 s instead of 0.5 s for 100,000 photos of 768
-- dimensions). The one exception, a vector inside its row beside one outside that is one number longer, survey_left_out
-- catches.
-- Returns: scope, clustered, dimensions (null: no embedding), photos.
SELECT
    alike.scope::bigint AS scope,
    alike.clustered,
    vector_dims(example.embedding) AS dimensions,
    sum(alike.photos)::bigint AS photos
FROM (
    SELECT
        scope,
        cluster_id IS NOT NULL AS clustered,
        count(*) AS photos,
        min(id) AS example_id
    FROM usable_photos
    GROUP BY scope, clustered, pg_column_size(embedding)
) AS alike
CROSS JOIN
    LATERAL (
        SELECT usable.embedding FROM usable_photos AS usable
        WHERE usable.id = alike.example_id
        OFFSET 0
    ) AS example
GROUP BY alike.scope, alike.clustered, dimensions
ORDER BY photos DESC, dimensions ASC, alike.scope ASC;
