-- Says which run undid another.
-- Parameters: run_id bigint (undone), undo_id bigint
-- Returns: nothing.
UPDATE cluster_runs
SET undone_by = %(undo_id)s::bigint
WHERE id = %(run_id)s::bigint;
