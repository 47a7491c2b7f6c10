-- Compares each cluster with every other of its scope (Davies and Bouldin 1979): how wide the two are, for the distance
-- of their means; the worst counts. Means that coincide have no distance and are passed over; if those of all others
-- do, it is undefined.
-- Parameters: labels integer[], scopes integer[] (numbers of theirs; both are empty if all clusters are of one scope)
-- Returns: nothing; the row count is the clusters.
UPDATE work_measured_clusters AS cluster
SET davies_bouldin = worst.ratio
FROM (
    SELECT
        own.label,
        max((own.spread + another.spread) / nullif(own.mean <-> another.mean, 0)) AS ratio
    FROM work_measured_clusters AS own
    LEFT JOIN unnest(%(labels)s::integer[], %(scopes)s::integer[]) AS of_own (label, scope) ON own.label = of_own.label
    INNER JOIN work_measured_clusters AS another ON own.label <> another.label
    LEFT JOIN unnest(%(labels)s::integer[], %(scopes)s::integer[]) AS of_another (label, scope)
        ON another.label = of_another.label
    WHERE coalesce(of_own.scope, 0) = coalesce(of_another.scope, 0)
    GROUP BY own.label
) AS worst
WHERE cluster.label = worst.label;
