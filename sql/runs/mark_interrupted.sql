-- Closes the records of runs that were killed. Only for the holder of the lock: nobody else can be running.
-- Returns: nothing; the row count is how many there were.
UPDATE cluster_runs
SET
    status = 'interrupted',
    error = 'the program or its connection ended before the run did',
    finished_at = clock_timestamp()
WHERE status = 'running';
