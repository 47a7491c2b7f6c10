-- Deletes the steps of a run after its checkpoint, so that it can repeat them.
-- Parameters: run_id bigint, after_step integer
-- Returns: nothing.
DELETE FROM cluster_run_steps
WHERE run_id = %(run_id)s::bigint AND step > %(after_step)s::integer;
