-- What move_photos does, where photos are distributed; the first of the statements of moves/: which photos are to be
-- put where, written on their shards. xmin is that of the row on its shard.
-- Parameters: run_id bigint, labels integer[] (as in work_assignments), cluster_ids bigint[] (of each)
-- Returns: nothing; the row count is the photos.
INSERT INTO cluster_run_photo_moves (run_id, photo_id, from_cluster_id, to_cluster_id, fingerprint)
SELECT
    %(run_id)s::bigint AS run_id,
    assignment.photo_id,
    photos.cluster_id AS from_cluster_id,
    made.cluster_id AS to_cluster_id,
    assignment.fingerprint
FROM work_assignments AS assignment
INNER JOIN unnest(%(labels)s::integer[], %(cluster_ids)s::bigint[]) AS made (label, cluster_id)
    ON assignment.label = made.label
INNER JOIN photos ON assignment.photo_id = photos.id
WHERE
    photos.xmin = assignment.row_version
    AND photos.cluster_id IS DISTINCT FROM made.cluster_id
    AND photos.cluster_pinned IS NOT TRUE;
