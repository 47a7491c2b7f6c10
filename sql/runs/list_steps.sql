-- The Lloyd steps of a run.
-- Parameters: run_id bigint
-- Returns: step, phase, batch_size, inertia, centroid_movement, seconds.
SELECT
    step,
    phase,
    batch_size,
    inertia,
    centroid_movement,
    seconds
FROM cluster_run_steps
WHERE run_id = %(run_id)s::bigint
ORDER BY step;
