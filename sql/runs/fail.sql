-- Closes the record of a run that did not succeed, after its transaction was rolled back. Those that could not do it
-- themselves are closed by the holder of the lock: no other run can be active then.
-- Parameters: run_id bigint (null: all that are open), status text, error text (the reason, if it is known)
-- Returns: nothing; the row count is how many there were.
UPDATE cluster_runs
SET
    status = %(status)s::text,
    error = %(error)s::text,
    finished_at = statement_timestamp()
WHERE status = 'running' AND (%(run_id)s::bigint IS NULL OR id = %(run_id)s::bigint);
