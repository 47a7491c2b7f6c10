-- Forgets steps that a run went on from an earlier one of, so that it can take them again.
-- Parameters: run_id bigint, after_step integer
-- Returns: nothing.
DELETE FROM cluster_run_steps
WHERE run_id = %(run_id)s::bigint AND step > %(after_step)s::integer;
