-- list_changed_photos, if photos are distributed: the newest move of a photo lies on its shard, and only
-- ids of photos that changed since are sent.
-- Parameters: fingerprint_vector vector (as in kmeans/assign_photos, as long as any embedding)
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
        usable.id AS photo_id,
        usable.cluster_id,
        usable.scope::bigint AS scope
    FROM usable_photos AS usable
    INNER JOIN photos AS photo ON usable.id = photo.id
    INNER JOIN scoped_clusters AS cluster ON usable.cluster_id = cluster.id
    INNER JOIN (
        SELECT
            photo_id,
            max(run_id) AS run_id
        FROM cluster_run_photo_moves
        GROUP BY photo_id
    ) AS newest ON usable.id = newest.photo_id
    INNER JOIN cluster_run_photo_moves AS moved ON newest.photo_id = moved.photo_id AND newest.run_id = moved.run_id
    INNER JOIN cluster_runs AS run ON moved.run_id = run.id
    CROSS JOIN
        LATERAL (
            SELECT
                usable.embedding,
                vector_norm(usable.embedding) AS norm
            LIMIT 1
        ) AS fetched
    WHERE
        photo.cluster_pinned IS NOT TRUE
        AND usable.embedding IS NOT NULL
        AND cluster.active
        AND moved.to_cluster_id = usable.cluster_id
        AND abs(
            (fetched.embedding <#> subvector(%(fingerprint_vector)b::vector, 1, vector_dims(fetched.embedding)))
            / CASE WHEN run.metric = 'cosine' AND fetched.norm > 0 THEN fetched.norm ELSE 1 END
            - moved.fingerprint
        ) > 0.00001 * CASE WHEN run.metric = 'cosine' THEN 1 ELSE greatest(fetched.norm, 1e-30) END
) AS known
CROSS JOIN (SELECT max(position) AS last FROM work_candidates) AS listed;
