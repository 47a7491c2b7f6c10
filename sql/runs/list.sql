-- The runs, newest first.
-- Parameters: run_ids bigint[] (null: all), most bigint (null: all)
-- Returns: all columns of cluster_run_overview.
SELECT * -- noqa: AM04
FROM cluster_run_overview
WHERE %(run_ids)s::bigint[] IS NULL OR id = any(%(run_ids)s::bigint[])
ORDER BY id DESC
LIMIT %(most)s::bigint;
