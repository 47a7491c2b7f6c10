-- What was measured goes. A view can lose columns only by being made again.

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
    run.error
FROM cluster_runs AS run;

COMMENT ON COLUMN cluster_runs.phase IS 'What the run was last doing: survey, sample, seed, refine, train, assign, commit.';

DROP TABLE cluster_quality;

ALTER TABLE cluster_runs DROP COLUMN silhouette,
DROP COLUMN davies_bouldin,
DROP COLUMN calinski_harabasz,
DROP COLUMN smallest_cluster,
DROP COLUMN largest_cluster,
DROP COLUMN photos_measured;
