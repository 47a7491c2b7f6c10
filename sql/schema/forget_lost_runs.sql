-- Forgets runs of clusters that are not on record, say since a dump had the application's schema and not ours: their
-- number will be that of another run.
-- Returns: nothing; the row count is the clusters.
UPDATE clusters
SET run_id = NULL
WHERE
    run_id IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM cluster_runs
        WHERE cluster_runs.id = clusters.run_id
    );
