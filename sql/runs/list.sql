-- The runs, newest first.
-- Parameters: run_ids bigint[] (null: all), most bigint (null: all)
-- Returns: all columns of cluster_runs, inertia_per_photo, duration double precision (seconds from start to end, or
--   until now).
SELECT
    run.*, -- noqa: AM04
    run.inertia / nullif(run.photos_processed, 0) AS inertia_per_photo,
    extract(EPOCH FROM coalesce(run.finished_at, clock_timestamp()) - run.started_at)::double precision AS duration
FROM cluster_runs AS run
WHERE %(run_ids)s::bigint[] IS NULL OR run.id = any(%(run_ids)s::bigint[])
ORDER BY run.id DESC
LIMIT %(most)s::bigint;
