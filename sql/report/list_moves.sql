-- What became of photos since a run: from the cluster that each was in when it ended to the one that it is in by what
-- runs moved, and some photos of the largest moves. One that came back was not moved; what people moved by hand is not
-- in it.
-- Parameters: after_run bigint, cluster_ids bigint[] (from or to one of these), most_moves bigint, most_photos bigint
--   (of each)
-- Returns: moves (how many there are), moved (photos of them), from_cluster_id (null: none), to_cluster_id (null:
--   none), photos, photo_id, path, place (of the photo, from 1); the largest first.
WITH net AS MATERIALIZED (
    SELECT
        ends.photo_id,
        ends.from_cluster_id,
        ends.to_cluster_id,
        usable.path
    FROM (
        SELECT
            moved.photo_id,
            (array_agg(moved.from_cluster_id ORDER BY moved.run_id))[1] AS from_cluster_id,
            (array_agg(moved.to_cluster_id ORDER BY moved.run_id DESC))[1] AS to_cluster_id
        FROM cluster_moves AS moved
        WHERE moved.run_id > %(after_run)s::bigint
        GROUP BY moved.photo_id
    ) AS ends
    INNER JOIN usable_photos AS usable ON ends.photo_id = usable.id
    WHERE
        ends.from_cluster_id IS DISTINCT FROM ends.to_cluster_id
        AND (
            ends.from_cluster_id = any(%(cluster_ids)s::bigint[]) OR ends.to_cluster_id = any(%(cluster_ids)s::bigint[])
        )
),

flows AS (
    SELECT
        from_cluster_id,
        to_cluster_id,
        count(*) AS photos,
        count(*) OVER () AS moves,
        (sum(count(*)) OVER ())::bigint AS moved,
        row_number() OVER (ORDER BY count(*) DESC, from_cluster_id ASC, to_cluster_id ASC) AS size_rank
    FROM net
    GROUP BY from_cluster_id, to_cluster_id
),

placed AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY from_cluster_id, to_cluster_id ORDER BY hashint8extended(photo_id::bigint, 0), photo_id
        ) AS place
    FROM net
)

SELECT
    flow.moves,
    flow.moved,
    flow.from_cluster_id::bigint AS from_cluster_id,
    flow.to_cluster_id::bigint AS to_cluster_id,
    flow.photos,
    photo.photo_id::bigint AS photo_id,
    photo.path,
    photo.place
FROM flows AS flow
INNER JOIN placed AS photo
    ON
        flow.from_cluster_id IS NOT DISTINCT FROM photo.from_cluster_id
        AND flow.to_cluster_id IS NOT DISTINCT FROM photo.to_cluster_id
WHERE flow.size_rank <= %(most_moves)s::bigint AND photo.place <= %(most_photos)s::bigint
ORDER BY flow.size_rank ASC, photo.place ASC;
