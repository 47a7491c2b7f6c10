-- Puts photos without a cluster into the new ones, and keeps which. A photo that was placed, embedded again or changed
-- in any other way since it was looked at is another version of its row (xmin), and is left for the next run. So is one
-- that somebody is just changing: it is not waited for, since he may come to wait for a photo that is locked here.
-- Rows that are locked stay where they are, and are found again by their places (ctid): by id it took 0.3 s more for
-- 100,000.
-- Parameters: run_id bigint, labels integer[] (as in work_assignments), cluster_ids bigint[] (of each)
-- Returns: from_cluster_id (null), to_cluster_id, photos (placed in it); no row for a cluster that got none.
WITH placed AS (
    UPDATE photos
    SET
        cluster_id = free.cluster_id,
        updated_at = now()
    FROM (
        SELECT
            photo.id,
            photo.ctid AS place,
            made.cluster_id,
            assignment.fingerprint
        FROM work_assignments AS assignment
        INNER JOIN unnest(%(labels)s::integer[], %(cluster_ids)s::bigint[]) AS made (label, cluster_id)
            ON assignment.label = made.label
        INNER JOIN photos AS photo ON assignment.photo_id = photo.id
        WHERE
            photo.xmin = assignment.row_version
            AND photo.cluster_id IS NULL
            AND photo.cluster_pinned IS NOT TRUE
        FOR NO KEY UPDATE OF photo SKIP LOCKED
    ) AS free
    WHERE photos.ctid = free.place AND photos.id = free.id
    RETURNING photos.id, photos.cluster_id, free.fingerprint
)

INSERT INTO cluster_run_moves (run_id, to_cluster_id, photos, photo_ids, fingerprints)
SELECT
    %(run_id)s::bigint AS run_id,
    placed.cluster_id AS to_cluster_id,
    count(*) AS photos,
    array_agg(placed.id ORDER BY placed.id) AS photo_ids,
    array_agg(placed.fingerprint::real ORDER BY placed.id) AS fingerprints
FROM placed
GROUP BY placed.cluster_id
RETURNING from_cluster_id, to_cluster_id, photos;
