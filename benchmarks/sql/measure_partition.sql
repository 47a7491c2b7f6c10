-- Measures whatever is in cluster_id, the same way whoever wrote it.
-- Returns: one row: inertia (sum of squared distances to the mean of the cluster), clusters, unplaced (photos without
--   a cluster), photos.
WITH means AS (
    SELECT
        cluster_id,
        avg(embedding) AS mean
    FROM usable_photos
    WHERE cluster_id IS NOT NULL
    GROUP BY cluster_id
)

SELECT
    sum(power(photos.embedding <-> means.mean, 2)) AS inertia,
    count(DISTINCT photos.cluster_id) AS clusters,
    count(*) FILTER (WHERE photos.cluster_id IS NULL) AS unplaced,
    count(*) AS photos
FROM usable_photos AS photos
LEFT JOIN means ON photos.cluster_id = means.cluster_id;
