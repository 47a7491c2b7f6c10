-- Closes the records of runs that could not do it themselves. Only for the holder of the lock: no other run can be
-- active.
-- Parameters: status text, error text (the reason, if it is known)
-- Returns: nothing; the row count is how many there were.
UPDATE cluster_runs
SET
    status = %(status)s::text,
    error = %(error)s::text,
    finished_at = statement_timestamp()
WHERE status = 'running';
