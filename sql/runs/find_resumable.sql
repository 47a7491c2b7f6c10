-- The newest run, if it ended while it trained.
-- Returns: id, kind, settings, step, batch_size; no row if the newest run did not end so.
SELECT
    run.id,
    run.kind,
    run.settings,
    checkpoint.step,
    checkpoint.batch_size
FROM cluster_runs AS run
INNER JOIN cluster_run_checkpoints AS checkpoint ON run.id = checkpoint.run_id
WHERE
    run.id = (
        SELECT max(newest.id)
        FROM cluster_runs AS newest
    )
    AND run.status IN ('failed', 'interrupted');
