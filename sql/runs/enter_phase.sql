-- Says what the run does now.
-- Parameters: run_id bigint, phase text
-- Returns: nothing.
UPDATE cluster_runs
SET phase = %(phase)s::text
WHERE id = %(run_id)s::bigint;
