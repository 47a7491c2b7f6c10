-- The clusters that a run took photos from, and that are still there.
-- Parameters: run_id bigint
-- Returns: id.
SELECT id
FROM clusters
WHERE
    id IN (
        SELECT from_cluster_id
        FROM cluster_run_moves
        WHERE run_id = %(run_id)s::bigint
    )
ORDER BY id;
