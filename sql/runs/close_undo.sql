-- Closes the record of a run that undid another.
-- Parameters: run_id bigint, photos_moved bigint, seconds jsonb
-- Returns: nothing.
UPDATE cluster_runs
SET
    status = 'succeeded',
    photos_processed = %(photos_moved)s::bigint,
    photos_moved = %(photos_moved)s::bigint,
    seconds = %(seconds)s::jsonb,
    finished_at = statement_timestamp()
WHERE id = %(run_id)s::bigint;
