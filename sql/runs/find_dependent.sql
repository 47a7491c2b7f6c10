-- The newest run that builds on another: that stands, came later, and moved a photo that the other had moved, or to or
-- from a cluster that the other had made, or gave such a cluster another centroid.
-- Parameters: run_id bigint
-- Returns: id; no row if nothing builds on it.
SELECT later.id
FROM cluster_runs AS later
WHERE
    later.id > %(run_id)s::bigint
    AND later.status = 'succeeded'
    AND later.kind <> 'undo'
    AND later.undone_by IS NULL
    AND (
        EXISTS (
            SELECT
            FROM cluster_moves AS theirs
            INNER JOIN cluster_moves AS ours ON theirs.photo_id = ours.photo_id
            WHERE theirs.run_id = later.id AND ours.run_id = %(run_id)s::bigint
        )
        OR EXISTS (
            SELECT
            FROM cluster_run_moves AS theirs
            INNER JOIN cluster_run_clusters AS ours
                ON ours.cluster_id IN (theirs.from_cluster_id, theirs.to_cluster_id)
            WHERE
                theirs.run_id = later.id
                AND ours.run_id = %(run_id)s::bigint
                AND ours.change = 'created'
        )
        OR EXISTS (
            SELECT
            FROM cluster_run_clusters AS theirs
            INNER JOIN cluster_run_clusters AS ours ON theirs.cluster_id = ours.cluster_id
            WHERE theirs.run_id = later.id AND ours.run_id = %(run_id)s::bigint
        )
    )
ORDER BY later.id DESC
LIMIT 1;
