-- What runs moved between the end of one and the end of another: from a photo's first cluster to its last. One that
-- came back was not moved. What people moved by hand is not in it.
-- Parameters: after_run bigint (exclusive), last_run bigint (inclusive)
-- Returns: from_cluster_id (null: none), to_cluster_id (null: none), photos; the largest moves first.
SELECT
    net.from_cluster_id,
    net.to_cluster_id,
    count(*) AS photos
FROM (
    SELECT
        moved.photo_id,
        (array_agg(moved.from_cluster_id ORDER BY moved.run_id))[1] AS from_cluster_id,
        (array_agg(moved.to_cluster_id ORDER BY moved.run_id DESC))[1] AS to_cluster_id
    FROM cluster_moves AS moved
    WHERE moved.run_id > %(after_run)s::bigint AND moved.run_id <= %(last_run)s::bigint
    GROUP BY moved.photo_id
) AS net
WHERE net.from_cluster_id IS DISTINCT FROM net.to_cluster_id
GROUP BY net.from_cluster_id, net.to_cluster_id
ORDER BY photos DESC, net.from_cluster_id ASC NULLS FIRST, net.to_cluster_id ASC NULLS FIRST;
