-- What move_back does, where photos are distributed; the first of the statements of moves/: which photos are to be put
-- back where, written on their shards.
-- Parameters: run_id bigint (to be taken back), undo_id bigint (the run that does it)
-- Returns: nothing; the row count is the photos.
INSERT INTO cluster_run_photo_moves (run_id, photo_id, from_cluster_id, to_cluster_id, fingerprint)
SELECT
    %(undo_id)s::bigint AS run_id,
    moved.photo_id,
    moved.to_cluster_id AS from_cluster_id,
    old.id AS to_cluster_id,
    moved.fingerprint
FROM cluster_run_photo_moves AS moved
INNER JOIN photos ON moved.photo_id = photos.id
LEFT JOIN clusters AS old ON moved.from_cluster_id = old.id
WHERE
    moved.run_id = %(run_id)s::bigint
    AND photos.cluster_id IS NOT DISTINCT FROM moved.to_cluster_id
    AND photos.cluster_id IS DISTINCT FROM old.id
    AND photos.cluster_pinned IS NOT TRUE;
