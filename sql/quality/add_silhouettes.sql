-- Adds the mean silhouette of the photos that were measured to what was summed up of each cluster. For
-- clock_timestamp() see commit/recount.
-- Returns: nothing; the row count is the clusters that have any.
WITH measured AS MATERIALIZED (
    SELECT
        label,
        count(*) AS photos,
        avg(silhouette) AS silhouette
    FROM work_measured
    WHERE clock_timestamp() IS NOT NULL
    GROUP BY label
)

UPDATE work_measured_clusters AS cluster
SET
    photos_measured = measured.photos,
    silhouette = measured.silhouette
FROM measured
WHERE cluster.label = measured.label;
