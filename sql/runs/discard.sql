-- Deletes the record of a run that found nothing it could cluster.
-- Parameters: run_id bigint
-- Returns: nothing.
DELETE FROM cluster_runs
WHERE id = %(run_id)s::bigint;
