-- Counts the clusters that an undo gave back their photos, and those that the run made and that are kept; after both.
-- Parameters: run_id bigint (that was undone)
-- Returns: restored, left_over.
SELECT
    count(*) FILTER (WHERE changed.change <> 'created') AS restored,
    count(*) FILTER (WHERE changed.change = 'created') AS left_over
FROM cluster_run_clusters AS changed
INNER JOIN clusters AS cluster ON changed.cluster_id = cluster.id
WHERE changed.run_id = %(run_id)s::bigint AND (changed.photos > 0 OR changed.photos_before > 0);
