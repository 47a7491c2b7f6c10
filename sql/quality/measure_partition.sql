-- The measures of a whole partition, from those of its clusters.
-- Calinski and Harabasz 1974: the scatter between clusters over that within, each by its degrees of freedom; none if
-- all photos coincide with their mean or are as many as the clusters.
-- Rounded, since rows come in the order in which connections wrote them, and floats add up differently in another.
-- Returns: photos, clusters, smallest_cluster, largest_cluster, photos_measured, inertia (of the photos measured,
--   to their centroids), silhouette, davies_bouldin, calinski_harabasz; one row, whose last three are null for a single
--   cluster.
SELECT
    sum(cluster.photos)::bigint AS photos,
    count(*) AS clusters,
    min(cluster.photos) AS smallest_cluster,
    max(cluster.photos) AS largest_cluster,
    sum(cluster.photos_measured)::bigint AS photos_measured,
    max(error.inertia) AS inertia,
    round(
        (sum(cluster.silhouette * cluster.photos_measured) / nullif(sum(cluster.photos_measured), 0))::numeric, 6
    )::double precision AS silhouette,
    round(avg(cluster.davies_bouldin)::numeric, 6)::double precision AS davies_bouldin,
    round(
        (
            sum(cluster.photos * (cluster.mean <-> library.mean) ^ 2) / nullif(count(*) - 1, 0)
            / nullif(sum(cluster.scatter) / nullif(sum(cluster.photos) - count(*), 0), 0)
        )::numeric, 6
    )::double precision AS calinski_harabasz
FROM work_measured_clusters AS cluster
CROSS JOIN (
    SELECT sum(own.mean * array_fill((own.photos / whole.photos)::real, ARRAY[vector_dims(own.mean)])::vector) AS mean
    FROM work_measured_clusters AS own
    CROSS JOIN (SELECT sum(photos)::double precision AS photos FROM work_measured_clusters) AS whole
) AS library
CROSS JOIN (
    SELECT sum(sorted.distance * sorted.distance) AS inertia
    FROM (
        SELECT distance FROM work_measured
        ORDER BY distance
    ) AS sorted
) AS error;
