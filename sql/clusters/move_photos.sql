-- Moves photos to the clusters a recluster found for them, and keeps who moved from where. A photo whose cluster would
-- not change is never written: each such write costs an index entry. One that somebody moved while the run went on, or
-- pinned, is left alone.
-- Parameters: run_id bigint, labels integer[] (as in fluffy_sql_assignments), cluster_ids bigint[] (of each)
-- Returns: from_cluster_id (null: none), to_cluster_id, photos.
WITH moved AS (
    UPDATE photos
    SET
        cluster_id = made.cluster_id,
        updated_at = now()
    FROM fluffy_sql_assignments AS assignment
    INNER JOIN unnest(%(labels)s::integer[], %(cluster_ids)s::bigint[]) AS made (label, cluster_id)
        ON assignment.label = made.label
    INNER JOIN photos AS before ON assignment.photo_id = before.id
    WHERE
        photos.id = assignment.photo_id
        AND before.cluster_id IS DISTINCT FROM made.cluster_id
        AND photos.cluster_id IS NOT DISTINCT FROM before.cluster_id
        AND photos.cluster_pinned IS NOT TRUE
    RETURNING photos.id, before.cluster_id AS from_cluster_id, made.cluster_id AS to_cluster_id
)

INSERT INTO cluster_run_moves (run_id, from_cluster_id, to_cluster_id, photos, photo_ids)
SELECT
    %(run_id)s::bigint AS run_id,
    moved.from_cluster_id,
    moved.to_cluster_id,
    count(*) AS photos,
    array_agg(moved.id ORDER BY moved.id) AS photo_ids
FROM moved
GROUP BY moved.from_cluster_id, moved.to_cluster_id
RETURNING from_cluster_id, to_cluster_id, photos;
