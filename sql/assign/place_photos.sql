-- Puts photos into their nearest clusters and writes down which. A photo that was placed, pinned, embedded again or
-- changed in any other way since it was looked at is another version of its row (xmin), and is left for the next time,
-- as is one that somebody is just changing: see commit/write_assignments.
-- Parameters: run_id bigint, cluster_ids bigint[] (those that still take photos)
-- Returns: from_cluster_id, from_name, to_cluster_id, to_name, photos; most photos first.
WITH placed AS (
    UPDATE photos
    SET
        cluster_id = free.to_cluster_id,
        updated_at = now()
    FROM (
        SELECT
            photo.id,
            photo.ctid AS place,
            placement.from_cluster_id,
            placement.to_cluster_id,
            placement.fingerprint
        FROM work_placements AS placement
        INNER JOIN photos AS photo ON placement.photo_id = photo.id
        WHERE
            photo.xmin = placement.row_version
            AND placement.within_limit
            AND placement.from_cluster_id IS DISTINCT FROM placement.to_cluster_id
            AND placement.to_cluster_id = any(%(cluster_ids)s::bigint[])
        FOR NO KEY UPDATE OF photo SKIP LOCKED
    ) AS free
    WHERE photos.ctid = free.place AND photos.id = free.id
    RETURNING photos.id, free.from_cluster_id, free.to_cluster_id, free.fingerprint
),

moved AS (
    INSERT INTO cluster_run_moves (run_id, from_cluster_id, to_cluster_id, photos, photo_ids, fingerprints)
    SELECT
        %(run_id)s::bigint AS run_id,
        from_cluster_id,
        to_cluster_id,
        count(*) AS photos,
        array_agg(id ORDER BY id) AS photo_ids,
        array_agg(fingerprint::real ORDER BY id) AS fingerprints
    FROM placed
    GROUP BY from_cluster_id, to_cluster_id
    RETURNING
        from_cluster_id,
        to_cluster_id,
        photos
)

SELECT
    moved.from_cluster_id,
    origin.name AS from_name,
    moved.to_cluster_id,
    target.name AS to_name,
    moved.photos
FROM moved
LEFT JOIN clusters AS origin ON moved.from_cluster_id = origin.id
LEFT JOIN clusters AS target ON moved.to_cluster_id = target.id
ORDER BY moved.photos DESC, moved.from_cluster_id ASC NULLS FIRST, moved.to_cluster_id ASC;
