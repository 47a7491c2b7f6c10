-- Runs whose record says that they are at work; nobody's, after try_lock_runs.
-- Returns: run_id, phase, started_at.
SELECT
    id AS run_id,
    phase,
    started_at
FROM cluster_runs
WHERE status = 'running'
ORDER BY id;
