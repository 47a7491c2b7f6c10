-- The number of the next run: runs are numbered without gaps, so one that leaves no record, as a dry run does, uses up
-- none. Only the holder of the lock may ask. Clusters still name runs whose records are deleted.
-- Returns: run_id.
SELECT
    greatest(
        (SELECT max(run.id) FROM cluster_runs AS run),
        (SELECT max(cluster.run_id)::bigint FROM clusters AS cluster),
        0
    ) + 1 AS run_id;
