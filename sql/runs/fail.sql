-- Closes the record of a run that did not succeed, after its transaction was rolled back.
-- Parameters: run_id bigint, status text, error text
-- Returns: nothing.
UPDATE cluster_runs
SET
    status = %(status)s::text,
    error = %(error)s::text,
    finished_at = statement_timestamp()
WHERE id = %(run_id)s::bigint AND status = 'running';
