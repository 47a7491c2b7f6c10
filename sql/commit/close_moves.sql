-- Closes the record of a run that only moved photos: assign or undo; part of the final transaction.
-- Parameters: run_id bigint, photos_moved bigint, clusters_created integer, skipped jsonb, seconds jsonb
-- Returns: nothing.
UPDATE cluster_runs
SET
    status = 'succeeded',
    photos_processed = %(photos_moved)s::bigint,
    photos_moved = %(photos_moved)s::bigint,
    skipped = %(skipped)s::jsonb,
    clusters_created = %(clusters_created)s::integer,
    seconds = %(seconds)s::jsonb,
    finished_at = statement_timestamp()
WHERE id = %(run_id)s::bigint;
