-- find_dependent, if photos are distributed: shards say first which runs moved the same photos.
-- Parameters: run_id bigint
-- Returns: id; no row if nothing builds on it.
WITH sharing AS MATERIALIZED (
    SELECT DISTINCT theirs.run_id
    FROM cluster_run_photo_moves AS theirs
    INNER JOIN cluster_run_photo_moves AS ours ON theirs.photo_id = ours.photo_id
    WHERE theirs.run_id > %(run_id)s::bigint AND ours.run_id = %(run_id)s::bigint
)

SELECT later.id
FROM cluster_runs AS later
WHERE
    later.id > %(run_id)s::bigint
    AND later.status = 'succeeded'
    AND later.kind <> 'undo'
    AND later.undone_by IS NULL
    AND (
        later.id IN (SELECT sharing.run_id FROM sharing)
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
