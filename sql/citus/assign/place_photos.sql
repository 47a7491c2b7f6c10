-- What place_photos does, where photos are distributed; the first of the statements of moves/: which photos are to be
-- put where, written on their shards. xmin is that of the row on its shard.
-- Parameters: run_id bigint, cluster_ids bigint[] (those that still take photos)
-- Returns: nothing; the row count is the photos.
INSERT INTO cluster_run_photo_moves (run_id, photo_id, from_cluster_id, to_cluster_id, fingerprint)
SELECT
    %(run_id)s::bigint AS run_id,
    placement.photo_id,
    placement.from_cluster_id,
    placement.to_cluster_id,
    placement.fingerprint
FROM work_placements AS placement
INNER JOIN photos ON placement.photo_id = photos.id
WHERE
    photos.xmin = placement.row_version
    AND placement.within_limit
    AND placement.from_cluster_id IS DISTINCT FROM placement.to_cluster_id
    AND placement.to_cluster_id = any(%(cluster_ids)s::bigint[]);
