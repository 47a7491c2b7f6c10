-- What was measured of each cluster; rounded as in measure_partition.
-- Returns: label, photos_measured, silhouette, davies_bouldin.
SELECT
    label,
    photos_measured,
    round(silhouette::numeric, 6)::double precision AS silhouette,
    round(davies_bouldin::numeric, 6)::double precision AS davies_bouldin
FROM work_measured_clusters
ORDER BY label;
