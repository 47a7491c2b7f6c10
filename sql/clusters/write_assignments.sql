-- Puts photos without a cluster into the new ones, and keeps which. A photo that somebody placed or pinned while the
-- run went on is left alone.
-- Parameters: run_id bigint, labels integer[] (as in fluffy_sql_assignments), cluster_ids bigint[] (of each)
-- Returns: from_cluster_id (null), to_cluster_id, photos (placed in it); no row for a cluster that got none.
WITH placed AS (
    UPDATE photos
    SET
        cluster_id = made.cluster_id,
        updated_at = now()
    FROM fluffy_sql_assignments AS assignment
    INNER JOIN unnest(%(labels)s::integer[], %(cluster_ids)s::bigint[]) AS made (label, cluster_id)
        ON assignment.label = made.label
    WHERE photos.id = assignment.photo_id AND photos.cluster_id IS NULL AND photos.cluster_pinned IS NOT TRUE
    RETURNING photos.id, photos.cluster_id
)

INSERT INTO cluster_run_moves (run_id, to_cluster_id, photos, photo_ids)
SELECT
    %(run_id)s::bigint AS run_id,
    placed.cluster_id AS to_cluster_id,
    count(*) AS photos,
    array_agg(placed.id ORDER BY placed.id) AS photo_ids
FROM placed
GROUP BY placed.cluster_id
RETURNING from_cluster_id, to_cluster_id, photos;
