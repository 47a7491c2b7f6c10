-- The clusters that take photos: active ones with a centroid, as what the metric compares: under cosine a unit vector.
-- That of a run is one already, and stays as it is to the last bit, so that distances are those of its training.
-- Parameters: within integer (0 to 100; null: no limit is asked for), enough bigint (photos whose distances say how
--   wide a cluster is)
-- Returns: id, scope (null: unscoped), metric, centroid, limit_at_training (the distance within which this percentage
--   of its photos lay at training, if it had enough, else at least that of the run's usual cluster; null: none is
--   known), neighbours, within, core_of (as in placing_rules); by rising id.
SELECT
    cluster.id,
    scoped.scope::bigint AS scope,
    coalesce(run.metric, 'cosine') AS metric,
    CASE
        WHEN run.metric = 'l2' OR abs(vector_norm(cluster.centroid) - 1) < 1e-6 THEN cluster.centroid
        ELSE l2_normalize(cluster.centroid)
    END AS centroid,
    CASE
        WHEN quality.photos >= %(enough)s::bigint THEN quality.distance_percentiles[%(within)s::integer + 1]
        WHEN quality.photos IS NOT NULL AND usual.distance IS NOT NULL
            THEN greatest(quality.distance_percentiles[%(within)s::integer + 1], usual.distance)
    END AS limit_at_training,
    run.neighbours,
    run.within,
    run.core_of
FROM clusters AS cluster
INNER JOIN scoped_clusters AS scoped ON cluster.id = scoped.id
LEFT JOIN placing_rules AS run ON cluster.run_id = run.run_id
LEFT JOIN cluster_quality AS quality ON cluster.run_id = quality.run_id AND cluster.id = quality.cluster_id
LEFT JOIN (
    SELECT
        run_id,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY distance_percentiles[%(within)s::integer + 1]) AS distance
    FROM cluster_quality
    WHERE
        %(within)s::integer IS NOT NULL
        AND photos >= %(enough)s::bigint
        AND run_id IN (SELECT clusters.run_id FROM clusters)
    GROUP BY run_id
) AS usual ON cluster.run_id = usual.run_id
WHERE
    scoped.active
    AND cluster.centroid IS NOT NULL
    -- a zero vector has no direction to compare
    AND (run.metric = 'l2' OR vector_norm(cluster.centroid) > 0)
ORDER BY cluster.id;
