-- Puts photos back to where a run took them from, and keeps who. A photo that has been moved since, or pinned, stays
-- where it is, as does one that somebody is just changing; one whose old cluster is gone is put into none.
-- Parameters: run_id bigint (to be taken back), undo_id bigint (the run that does it)
-- Returns: from_cluster_id, to_cluster_id (null: none), photos.
WITH back AS (
    UPDATE photos
    SET
        cluster_id = free.to_cluster_id,
        updated_at = now()
    FROM (
        SELECT
            photo.id,
            photo.ctid AS place,
            moved.to_cluster_id AS from_cluster_id,
            old.id AS to_cluster_id,
            moved.fingerprint
        FROM cluster_moves AS moved
        LEFT JOIN clusters AS old ON moved.from_cluster_id = old.id
        INNER JOIN photos AS photo ON moved.photo_id = photo.id
        WHERE
            moved.run_id = %(run_id)s::bigint
            AND photo.cluster_id IS NOT DISTINCT FROM moved.to_cluster_id
            AND photo.cluster_id IS DISTINCT FROM old.id
            AND photo.cluster_pinned IS NOT TRUE
        FOR NO KEY UPDATE OF photo SKIP LOCKED
    ) AS free
    WHERE photos.ctid = free.place AND photos.id = free.id
    RETURNING photos.id, free.from_cluster_id, free.to_cluster_id, free.fingerprint
)

INSERT INTO cluster_run_moves (run_id, from_cluster_id, to_cluster_id, photos, photo_ids, fingerprints)
SELECT
    %(undo_id)s::bigint AS run_id,
    back.from_cluster_id,
    back.to_cluster_id,
    count(*) AS photos,
    array_agg(back.id ORDER BY back.id) AS photo_ids,
    array_agg(back.fingerprint ORDER BY back.id) AS fingerprints
FROM back
GROUP BY back.from_cluster_id, back.to_cluster_id
RETURNING from_cluster_id, to_cluster_id, photos;
