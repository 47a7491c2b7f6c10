-- How many clusters come from a run that is not on record. Asked before forget_lost_runs, since an UPDATE of no row
-- may be refused, too: in a publication, without replica identity.
-- Returns: clusters bigint.
SELECT count(*) AS clusters
FROM clusters
WHERE
    run_id IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM cluster_runs
        WHERE cluster_runs.id = clusters.run_id
    );
