-- Says which run took another back.
-- Parameters: run_id bigint (taken back), undo_id bigint
-- Returns: nothing.
UPDATE cluster_runs
SET undone_by = %(undo_id)s::bigint
WHERE id = %(run_id)s::bigint;
