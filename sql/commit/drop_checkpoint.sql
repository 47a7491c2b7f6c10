-- Deletes the checkpoint of a run that succeeded.
-- Parameters: run_id bigint
-- Returns: nothing.
DELETE FROM cluster_run_checkpoints
WHERE run_id = %(run_id)s::bigint;
