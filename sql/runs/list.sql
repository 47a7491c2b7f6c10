-- The runs, newest first.
-- Parameters: most bigint (null: all)
-- Returns: id, kind, status, phase, algorithm, metric, seed, k_requested, clusters_created, photos_eligible,
--   photos_processed, photos_moved, inertia, inertia_per_photo, undone_by, clusters_kept, silhouette, davies_bouldin,
--   calinski_harabasz, smallest_cluster, largest_cluster, iterations, converged, started_at, seconds (how long it
--   took), started_by, error; as in cluster_run_overview.
SELECT
    id,
    kind,
    status,
    phase,
    algorithm,
    metric,
    seed,
    k_requested,
    clusters_created,
    photos_eligible,
    photos_processed,
    photos_moved,
    inertia,
    inertia_per_photo,
    undone_by,
    clusters_kept,
    silhouette,
    davies_bouldin,
    calinski_harabasz,
    smallest_cluster,
    largest_cluster,
    iterations,
    converged,
    started_at,
    extract(EPOCH FROM duration)::double precision AS seconds,
    started_by,
    error
FROM cluster_run_overview
ORDER BY id DESC
LIMIT %(most)s::bigint;
