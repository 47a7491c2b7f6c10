-- Deletes new clusters that no photo was moved to: all of theirs were deleted, changed or placed by somebody during
-- the run.
-- Parameters: run_id bigint, cluster_ids bigint[]
-- Returns: nothing; the row count is how many there were.
DELETE FROM clusters
WHERE
    id = any(%(cluster_ids)s::bigint[])
    AND NOT EXISTS (
        SELECT FROM cluster_run_moves AS moved
        WHERE moved.run_id = %(run_id)s::bigint AND moved.to_cluster_id = clusters.id
    );
