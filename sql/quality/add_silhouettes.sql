-- Adds the mean silhouette of the photos that were measured to what was summed up of each cluster.
-- Returns: nothing; the row count is the clusters that have any.
UPDATE work_measured_clusters
SET
    photos_measured = measured.photos,
    silhouette = measured.silhouette
FROM (
    SELECT
        label,
        count(*) AS photos,
        avg(silhouette) AS silhouette
    FROM work_measured
    GROUP BY label
) AS measured
WHERE work_measured_clusters.label = measured.label;
