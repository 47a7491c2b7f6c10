-- Sums up the photos measured by their cluster, as if they were all of it. The mean is that of the photos, as
-- scikit-learn's measures have it, and not the centroid: under cosine that is a unit vector.
-- Returns: nothing; the row count is the clusters.
WITH average AS MATERIALIZED (
    SELECT
        label,
        avg(embedding) AS mean
    FROM work_measured
    GROUP BY label
)

INSERT INTO work_measured_clusters (label, photos, mean, spread, scatter, photos_measured, silhouette)
SELECT
    average.label,
    summed.photos,
    average.mean,
    summed.spread,
    summed.scatter,
    summed.photos AS photos_measured,
    summed.silhouette
FROM average
INNER JOIN (
    SELECT
        measured.label,
        count(*) AS photos,
        avg(away.distance) AS spread,
        sum(away.distance * away.distance) AS scatter,
        avg(measured.silhouette) AS silhouette
    FROM work_measured AS measured
    INNER JOIN average AS own ON measured.label = own.label
    CROSS JOIN LATERAL unnest(ARRAY[own.mean <-> measured.embedding]) AS away (distance)
    GROUP BY measured.label
) AS summed ON average.label = summed.label;
