-- Runs whose record says that they are active; after try_lock_runs none of them is.
-- Returns: run_id, phase, started_at.
SELECT
    id AS run_id,
    phase,
    started_at
FROM cluster_runs
WHERE status = 'running'
ORDER BY id;
