-- Runs that were killed can no longer be continued.

DROP TABLE cluster_run_checkpoints;

DROP VIEW cluster_run_overview;

CREATE VIEW cluster_run_overview AS
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
    run.undone_by
FROM cluster_runs AS run;

ALTER TABLE cluster_runs DROP COLUMN clusters_kept,
DROP COLUMN embeddings_digest;
