-- Forgets where a run was; it has ended well.
-- Parameters: run_id bigint
-- Returns: nothing.
DELETE FROM cluster_run_checkpoints
WHERE run_id = %(run_id)s::bigint;
