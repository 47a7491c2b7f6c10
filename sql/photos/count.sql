-- Counts the usable photos without looking at their embeddings.
-- Returns: photos, without_embedding (among those without a cluster), clustered.
SELECT
    count(*) AS photos,
    count(*) FILTER (WHERE cluster_id IS NULL AND embedding IS NULL) AS without_embedding,
    count(*) FILTER (WHERE cluster_id IS NOT NULL) AS clustered
FROM usable_photos;
