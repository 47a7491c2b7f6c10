-- The runs, with how good their clusters were. It selects from a subquery, so that nobody can write through it.
CREATE OR REPLACE VIEW cluster_run_overview AS
SELECT
    run.*, -- noqa: AM04
    run.inertia / nullif(run.photos_processed, 0) AS inertia_per_photo,
    coalesce(run.finished_at, clock_timestamp()) - run.started_at AS duration
FROM (SELECT * FROM cluster_runs) AS run;

COMMENT ON VIEW cluster_run_overview IS
'The runs, with how good their clusters were. Example: SELECT * FROM cluster_run_overview ORDER BY id DESC LIMIT 5; a run that goes on has status running, and its steps are in cluster_run_steps.';
COMMENT ON COLUMN cluster_run_overview.inertia_per_photo IS
'Mean squared distance to the centroid; comparable between runs on different numbers of photos.';
COMMENT ON COLUMN cluster_run_overview.duration IS 'From start to end, or until now while it runs.';
