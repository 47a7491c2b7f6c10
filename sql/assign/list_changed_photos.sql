-- Lists the usable photos that changed since a run put them where they are, after those listed already. What changed
-- can't be told, so a photo counts that has not the updated_at that its run gave it. A photo that was last placed by a
-- person, not by a run, is left alone, as is one in a cluster that is not active.
-- Returns: nothing; the row count is how many there are.
INSERT INTO fluffy_sql_candidates (position, photo_id, cluster_id)
SELECT
    coalesce(listed.last, 0) + row_number() OVER (ORDER BY usable.id) AS position,
    usable.id,
    usable.cluster_id
FROM usable_photos AS usable
INNER JOIN photos AS photo ON usable.id = photo.id
INNER JOIN clusters AS cluster ON usable.cluster_id = cluster.id
INNER JOIN (
    SELECT DISTINCT ON (moved.photo_id)
        moved.photo_id,
        moved.to_cluster_id,
        run.placed_at
    FROM cluster_moves AS moved
    INNER JOIN cluster_runs AS run ON moved.run_id = run.id
    ORDER BY moved.photo_id ASC, moved.run_id DESC
) AS placed ON usable.id = placed.photo_id AND usable.cluster_id = placed.to_cluster_id
CROSS JOIN (SELECT max(position) AS last FROM fluffy_sql_candidates) AS listed
WHERE
    photo.updated_at <> placed.placed_at
    AND photo.cluster_pinned IS NOT TRUE
    AND usable.embedding IS NOT NULL
    AND cluster.status::text = '0';
