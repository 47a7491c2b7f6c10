-- What summarize_assigned does, where the work table is distributed: each shard sums up its own, and what is sorted
-- first would have to be sent.
-- Parameters: labels integer[], centroids vector[] (of these), normalize boolean
-- Returns: nothing; the row count is the clusters.
INSERT INTO work_measured_clusters (label, photos, mean, spread, scatter, photos_measured, silhouette)
SELECT
    cluster.label,
    summed.photos,
    cluster.centroid * array_fill(summed.length::real, ARRAY[vector_dims(cluster.centroid)])::vector AS mean,
    summed.spread,
    summed.scatter,
    coalesce(measured.photos, 0) AS photos_measured,
    measured.silhouette
FROM unnest(%(labels)s::integer[], %(centroids)b::vector[]) AS cluster (label, centroid)
INNER JOIN (
    SELECT
        assignment.label,
        count(*) AS photos,
        max(mean.length) AS length,
        avg(sqrt((1 - mean.length) ^ 2 + mean.length * assignment.distance ^ 2)) AS spread,
        sum((1 - mean.length) ^ 2 + mean.length * assignment.distance ^ 2) AS scatter
    FROM work_assignments AS assignment
    INNER JOIN (
        SELECT
            label,
            CASE WHEN %(normalize)s::boolean THEN 1 - avg(distance ^ 2) / 2 ELSE 1 END AS length
        FROM work_assignments
        GROUP BY label
    ) AS mean ON assignment.label = mean.label
    GROUP BY assignment.label
) AS summed ON cluster.label = summed.label
LEFT JOIN (
    SELECT
        label,
        count(*) AS photos,
        avg(silhouette) AS silhouette
    FROM work_measured
    GROUP BY label
) AS measured ON cluster.label = measured.label;
