-- The newest run that builds on another: that stands, came later, and moved a photo that the other had moved, or to or
-- from a cluster that the other had made, or gave such a cluster another centroid.
-- Each kind is looked for in all later runs at once. Where a planner may stop at the first row (EXISTS), it compares
-- every photo of the one with every photo of the other, for minutes if there are 100,000 and none is in both.
-- Parameters: run_id bigint
-- Returns: id; no row if nothing builds on it.
SELECT later.id
FROM cluster_runs AS later
INNER JOIN (
    SELECT theirs.run_id
    FROM cluster_moves AS theirs
    INNER JOIN cluster_moves AS ours ON theirs.photo_id = ours.photo_id
    WHERE ours.run_id = %(run_id)s::bigint AND theirs.run_id > %(run_id)s::bigint
    UNION
    SELECT theirs.run_id
    FROM cluster_run_moves AS theirs
    INNER JOIN cluster_run_clusters AS ours
        ON ours.cluster_id IN (theirs.from_cluster_id, theirs.to_cluster_id)
    WHERE ours.run_id = %(run_id)s::bigint AND ours.change = 'created'
    UNION
    SELECT theirs.run_id
    FROM cluster_run_clusters AS theirs
    INNER JOIN cluster_run_clusters AS ours ON theirs.cluster_id = ours.cluster_id
    WHERE ours.run_id = %(run_id)s::bigint
) AS building ON later.id = building.run_id
WHERE
    later.id > %(run_id)s::bigint
    AND later.status = 'succeeded'
    AND later.kind <> 'undo'
    AND later.undone_by IS NULL
ORDER BY later.id DESC
LIMIT 1;
