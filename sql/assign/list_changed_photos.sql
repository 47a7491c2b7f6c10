-- Lists the usable photos that changed since a run put them where they are, after those listed already. What changed
-- can't be told, so a photo counts that has not the updated_at that its run gave it. A photo that was last placed by a
-- person, not by a run, is left alone, as is one in a cluster that is not active.
-- Photos are sorted in among their moves, as the last of them, and not joined: the planner can't know how many photos a
-- move has, and its nested loops took 9 s for a million.
-- Returns: nothing; the row count is how many there are.
INSERT INTO work_candidates (position, photo_id, cluster_id, scope)
SELECT
    coalesce(listed.last, 0)
    + row_number() OVER (ORDER BY known.scope ASC NULLS FIRST, known.photo_id ASC) AS position,
    known.photo_id,
    known.cluster_id,
    known.scope
FROM (
    SELECT
        photo_id,
        run_id,
        cluster_id,
        scope,
        changed_at,
        lag(cluster_id) OVER moves AS placed_in,
        lag(changed_at) OVER moves AS placed_at
    FROM (
        SELECT
            usable.id AS photo_id,
            NULL::bigint AS run_id,
            usable.cluster_id,
            usable.scope::bigint AS scope,
            photo.updated_at AS changed_at
        FROM usable_photos AS usable
        INNER JOIN photos AS photo ON usable.id = photo.id
        INNER JOIN clusters AS cluster ON usable.cluster_id = cluster.id
        WHERE
            photo.cluster_pinned IS NOT TRUE
            AND usable.embedding IS NOT NULL
            AND cluster.status::text = '0'
        UNION ALL
        SELECT
            moved.photo_id,
            moved.run_id,
            moved.to_cluster_id,
            NULL::bigint AS scope,
            run.placed_at
        FROM cluster_moves AS moved
        INNER JOIN cluster_runs AS run ON moved.run_id = run.id
    ) AS of_all
    WINDOW moves AS (PARTITION BY photo_id ORDER BY run_id ASC NULLS LAST)
) AS known
CROSS JOIN (SELECT max(position) AS last FROM work_candidates) AS listed
WHERE known.run_id IS NULL AND known.placed_in = known.cluster_id AND known.placed_at <> known.changed_at;
