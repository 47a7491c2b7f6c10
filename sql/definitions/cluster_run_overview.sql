-- The runs, with how good their clusters were. It selects from a subquery, so that nobody can write through it.
CREATE OR REPLACE VIEW cluster_run_overview AS
SELECT
    run.id,
    run.status,
    run.phase,
    run.algorithm,
    run.metric,
    run.seed,
    run.k_requested,
    run.clusters_created,
    run.photos_eligible,
    run.photos_processed,
    run.inertia,
    run.inertia / nullif(run.photos_processed, 0) AS inertia_per_photo,
    run.iterations,
    run.converged,
    run.started_at,
    coalesce(run.finished_at, clock_timestamp()) - run.started_at AS duration,
    run.started_by,
    run.error,
    run.silhouette,
    run.davies_bouldin,
    run.calinski_harabasz,
    run.smallest_cluster,
    run.largest_cluster,
    run.kind,
    run.photos_moved,
    run.undone_by,
    run.clusters_kept
FROM (SELECT * FROM cluster_runs) AS run;

COMMENT ON VIEW cluster_run_overview IS
'The runs, with how good their clusters were. Example: SELECT * FROM cluster_run_overview ORDER BY id DESC LIMIT 5; a run that goes on has status running, and its steps are in cluster_run_steps.';
COMMENT ON COLUMN cluster_run_overview.inertia_per_photo IS
'Mean squared distance to the centroid; comparable between runs on different numbers of photos.';
COMMENT ON COLUMN cluster_run_overview.duration IS 'From start to end, or until now while it runs.';
