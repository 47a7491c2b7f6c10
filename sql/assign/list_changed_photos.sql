-- Lists the usable photos whose embedding changed since a run put them where they are, after those listed already. What
-- changed is found by the fingerprint that the run kept, of what usable_photos shows: a change in another table shows
-- in no row of photos, and an application may set updated_at at any change. A photo that a person placed last, not a
-- run, is left alone, as is one in a cluster that is not active.
-- Photos are sorted in among their moves, as the last of them, and not joined: the planner can't know how many photos a
-- move has, and its nested loops took 9 s for a million. Fingerprints of one embedding differ by rounding, since
-- machines add in different orders.
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
        photo_id,
        run_id,
        cluster_id,
        scope,
        product,
        norm,
        lag(cluster_id) OVER moves AS placed_in,
        lag(normalized) OVER moves AS normalized,
        lag(product) OVER moves AS fingerprint
    FROM (
        SELECT
            usable.id AS photo_id,
            NULL::bigint AS run_id,
            usable.cluster_id,
            usable.scope::bigint AS scope,
            NULL::boolean AS normalized,
            fetched.embedding
            <#> subvector(%(fingerprint_vector)b::vector, 1, vector_dims(fetched.embedding)) AS product,
            vector_norm(fetched.embedding) AS norm
        FROM usable_photos AS usable
        INNER JOIN photos AS photo ON usable.id = photo.id
        INNER JOIN scoped_clusters AS cluster ON usable.cluster_id = cluster.id
        CROSS JOIN LATERAL unnest(ARRAY[usable.embedding]) AS fetched (embedding)
        WHERE
            photo.cluster_pinned IS NOT TRUE
            AND usable.embedding IS NOT NULL
            AND cluster.active
        UNION ALL
        SELECT
            moved.photo_id,
            moved.run_id,
            moved.to_cluster_id AS cluster_id,
            NULL::bigint AS scope,
            run.metric = 'cosine' AS normalized,
            moved.fingerprint AS product,
            NULL::double precision AS norm
        FROM cluster_moves AS moved
        INNER JOIN cluster_runs AS run ON moved.run_id = run.id
    ) AS of_all
    WINDOW moves AS (PARTITION BY photo_id ORDER BY run_id ASC NULLS LAST)
) AS known
CROSS JOIN (SELECT max(position) AS last FROM work_candidates) AS listed
WHERE
    known.run_id IS NULL
    AND known.placed_in = known.cluster_id
    AND abs(
        known.product / CASE WHEN known.normalized AND known.norm > 0 THEN known.norm ELSE 1 END - known.fingerprint
    ) > 0.00001 * CASE WHEN known.normalized THEN 1 ELSE greatest(known.norm, 1e-30) END;
