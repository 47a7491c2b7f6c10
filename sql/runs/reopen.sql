-- Reopens a run that did not succeed.
-- Parameters: run_id bigint, photos_eligible bigint, dimensions integer
-- Returns: nothing.
UPDATE cluster_runs
SET
    status = 'running',
    phase = 'survey',
    error = NULL,
    finished_at = NULL,
    backend_pid = pg_backend_pid(),
    photos_eligible = %(photos_eligible)s::bigint,
    dimensions = %(dimensions)s::integer
WHERE id = %(run_id)s::bigint;
