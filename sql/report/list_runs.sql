-- What made some clusters, and how good they were when it ended; newest first.
-- Parameters: run_ids bigint[]
-- Returns: id, algorithm, metric, seed, k_requested, clusters_created, photos_processed, dimensions, inertia_per_photo,
--   iterations, converged, recall, silhouette, davies_bouldin, calinski_harabasz, smallest_cluster, largest_cluster,
--   started_at, seconds. What was not measured is null.
SELECT
    id,
    algorithm,
    metric,
    seed,
    k_requested,
    clusters_created,
    photos_processed,
    dimensions,
    inertia / nullif(photos_processed, 0) AS inertia_per_photo,
    iterations,
    converged,
    recall,
    silhouette,
    davies_bouldin,
    calinski_harabasz,
    smallest_cluster,
    largest_cluster,
    started_at,
    extract(EPOCH FROM finished_at - started_at)::double precision AS seconds
FROM cluster_runs
WHERE id = any(%(run_ids)s::bigint[])
ORDER BY id DESC;
