-- Moves photos into the clusters of their labels, and keeps which came from where. Only this file says which photos may
-- be moved. A photo that was placed, pinned, embedded again or changed in any other way since it was read is another
-- version of its row (xmin), and is left for the next run. So is one that is locked by a transaction: waiting could
-- deadlock with one that waits for a photo locked here. A photo whose cluster would not change is never written: each
-- such write costs an index entry.
-- Rows that are locked stay where they are, and are found again by their places (ctid): by id it took 0.3 s more for
-- 100,000. Moves are sorted by id once: within each pair of clusters it took 0.06 s more.
-- Parameters: run_id bigint, labels integer[] (as in work_assignments; photos of others stay), cluster_ids bigint[]
--   (of each; null: none)
-- Returns: from_cluster_id (null: none), to_cluster_id (null: none), photos.
WITH moved AS (
    UPDATE photos
    SET
        cluster_id = free.to_cluster_id,
        updated_at = now()
    FROM (
        SELECT
            photo.id,
            photo.ctid AS place,
            photo.cluster_id AS from_cluster_id,
            target.cluster_id AS to_cluster_id,
            assignment.fingerprint
        FROM work_assignments AS assignment
        INNER JOIN unnest(%(labels)s::integer[], %(cluster_ids)s::bigint[]) AS target (label, cluster_id)
            ON assignment.label = target.label
        INNER JOIN photos AS photo ON assignment.photo_id = photo.id
        WHERE
            photo.xmin = assignment.row_version
            AND photo.cluster_id IS DISTINCT FROM target.cluster_id
            AND photo.cluster_pinned IS NOT TRUE
        FOR NO KEY UPDATE OF photo SKIP LOCKED
    ) AS free
    WHERE photos.ctid = free.place AND photos.id = free.id
    RETURNING photos.id, free.from_cluster_id, free.to_cluster_id, free.fingerprint
)

INSERT INTO cluster_run_moves (run_id, from_cluster_id, to_cluster_id, photos, photo_ids, fingerprints)
SELECT
    %(run_id)s::bigint AS run_id,
    moved.from_cluster_id,
    moved.to_cluster_id,
    count(*) AS photos,
    array_agg(moved.id) AS photo_ids,
    array_agg(moved.fingerprint::real) AS fingerprints
FROM (
    SELECT
        id,
        from_cluster_id,
        to_cluster_id,
        fingerprint
    FROM moved
    ORDER BY id
) AS moved
GROUP BY moved.from_cluster_id, moved.to_cluster_id
RETURNING from_cluster_id, to_cluster_id, photos;
