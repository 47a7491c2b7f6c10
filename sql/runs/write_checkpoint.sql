-- Writes the checkpoint of a training, in place of the one before.
-- Parameters: run_id bigint, step integer, batch_size bigint, centroids vector[]
-- Returns: nothing.
INSERT INTO cluster_run_checkpoints (run_id, step, batch_size, centroids)
VALUES (%(run_id)s::bigint, %(step)s::integer, %(batch_size)s::bigint, %(centroids)b::vector[])
ON CONFLICT (run_id) DO UPDATE
    SET
        step = excluded.step,
        batch_size = excluded.batch_size,
        centroids = excluded.centroids,
        recorded_at = excluded.recorded_at;
