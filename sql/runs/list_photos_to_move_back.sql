-- Lists, for commit/move_photos, the photos that are still where a run put them, under the label of the cluster that it
-- took them from. One that was in none has the label 0, one whose old cluster is gone -1.
-- Moves are written out before photos are joined: a planner whose statistics are from before the run thinks that no
-- photo is in these clusters, and unpacked all photos of a move again for each of them (minutes for 100,000).
-- Parameters: run_id bigint (to be undone), labels integer[], cluster_ids bigint[] (of each)
-- Returns: nothing; the row count is the photos.
INSERT INTO work_assignments (photo_id, label, row_version, fingerprint)
WITH moved AS MATERIALIZED (
    SELECT
        photo_id,
        from_cluster_id,
        to_cluster_id,
        fingerprint
    FROM cluster_moves
    WHERE run_id = %(run_id)s::bigint
)

SELECT
    moved.photo_id,
    coalesce(origin.label, CASE WHEN moved.from_cluster_id IS NULL THEN 0 ELSE -1 END) AS label,
    photo.xmin AS row_version,
    moved.fingerprint
FROM moved
INNER JOIN photos AS photo ON moved.photo_id = photo.id
LEFT JOIN unnest(%(labels)s::integer[], %(cluster_ids)s::bigint[]) AS origin (label, cluster_id)
    ON moved.from_cluster_id = origin.cluster_id
WHERE photo.cluster_id IS NOT DISTINCT FROM moved.to_cluster_id;
