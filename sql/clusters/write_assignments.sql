-- Puts photos into the new clusters. A photo that somebody placed while the run went on is left alone, and one whose
-- cluster would not change is never written: each such write costs an index entry.
-- Parameters: labels integer[] (as in fluffy_sql_assignments), cluster_ids bigint[] (the cluster of each)
-- Returns: cluster_id, photos (placed in it); no row for a cluster that got none.
WITH placed AS (
    UPDATE photos
    SET
        cluster_id = made.cluster_id,
        updated_at = now()
    FROM fluffy_sql_assignments AS assignment
    INNER JOIN unnest(%(labels)s::integer[], %(cluster_ids)s::bigint[]) AS made (label, cluster_id)
        ON assignment.label = made.label
    WHERE photos.id = assignment.photo_id AND photos.cluster_id IS NULL
    RETURNING photos.cluster_id
)

SELECT
    cluster_id,
    count(*) AS photos
FROM placed
GROUP BY cluster_id;
