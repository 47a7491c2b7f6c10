-- Compares each cluster with every other (Davies and Bouldin 1979): how wide the two are, for the distance of their
-- means; the worst counts. Means that coincide have no distance and are passed over, as in scikit-learn.
-- Returns: nothing; the row count is the clusters.
UPDATE fluffy_sql_measured_clusters AS cluster
SET davies_bouldin = coalesce(worst.ratio, 0)
FROM (
    SELECT
        own.label,
        max((own.spread + another.spread) / nullif(own.mean <-> another.mean, 0)) AS ratio
    FROM fluffy_sql_measured_clusters AS own
    INNER JOIN fluffy_sql_measured_clusters AS another ON own.label <> another.label
    GROUP BY own.label
) AS worst
WHERE cluster.label = worst.label;
