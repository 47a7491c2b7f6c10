-- commit/move_photos takes four statements if photos are distributed, so that no id has to be sent: this
-- one writes down, on their shards, which photos are to be moved and where; apply_moves moves them, forget_unmoved
-- strikes out those it passed over, and sum_up_moves returns how many. Here it is said who may be moved, as there; but
-- for photos that are locked, since Citus locks no rows on several shards.
-- Parameters: run_id bigint, labels integer[] (as in work_assignments; photos of others stay), cluster_ids bigint[]
--   (of each; null: none)
-- Returns: nothing; the row count is the photos.
INSERT INTO cluster_run_photo_moves (run_id, photo_id, from_cluster_id, to_cluster_id, fingerprint)
SELECT
    %(run_id)s::bigint AS run_id,
    assignment.photo_id,
    photos.cluster_id AS from_cluster_id,
    target.cluster_id AS to_cluster_id,
    assignment.fingerprint
FROM work_assignments AS assignment
INNER JOIN unnest(%(labels)s::integer[], %(cluster_ids)s::bigint[]) AS target (label, cluster_id)
    ON assignment.label = target.label
INNER JOIN photos ON assignment.photo_id = photos.id
WHERE
    photos.xmin = assignment.row_version
    AND photos.cluster_id IS DISTINCT FROM target.cluster_id
    AND photos.cluster_pinned IS NOT TRUE;
