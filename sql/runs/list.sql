-- The runs, newest first.
-- Parameters: run_ids bigint[] (null: all), most bigint (null: all)
-- Returns: all columns of cluster_run_overview, neighbours (how many vote on a new photo of its clusters; null: it goes
--   to the nearest centroid).
SELECT
    run.*, -- noqa: AM04
    rule.neighbours
FROM cluster_run_overview AS run
INNER JOIN placing_rules AS rule ON run.id = rule.run_id
WHERE %(run_ids)s::bigint[] IS NULL OR run.id = any(%(run_ids)s::bigint[])
ORDER BY run.id DESC
LIMIT %(most)s::bigint;
