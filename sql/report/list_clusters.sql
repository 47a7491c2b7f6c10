-- The clusters, largest first: how many usable photos each has, and what its distances mean. No embedding is fetched.
-- Parameters: run_id bigint (null: of every run and of none), every_scope boolean, scope bigint (null: unscoped)
-- Returns: id, scope, name, status, photos, run_id, metric, dimensions (null: no centroid), silhouette (null: not
--   measured, or it has no photos), retired, parent_ids (of coarser levels, the next one first; empty: none).
SELECT
    cluster.id::bigint AS id,
    scoped.scope::bigint AS scope,
    cluster.name,
    cluster.status,
    coalesce(counted.photos, 0) AS photos,
    cluster.run_id,
    coalesce(run.metric, 'cosine') AS metric,
    vector_dims(cluster.centroid) AS dimensions,
    CASE WHEN counted.photos > 0 THEN quality.silhouette END AS silhouette,
    scoped.retired_by IS NOT NULL AS retired,
    coalesce(upper.parent_ids, '{}') AS parent_ids
FROM clusters AS cluster
INNER JOIN scoped_clusters AS scoped ON cluster.id = scoped.id
LEFT JOIN (
    SELECT
        cluster_id,
        count(*) AS photos
    FROM usable_photos
    WHERE cluster_id IS NOT NULL
    GROUP BY cluster_id
) AS counted ON cluster.id = counted.cluster_id
LEFT JOIN cluster_runs AS run ON cluster.run_id = run.id
LEFT JOIN (
    SELECT
        run_id,
        cluster_id,
        array_agg(parent_id ORDER BY level) AS parent_ids
    FROM cluster_levels
    GROUP BY run_id, cluster_id
) AS upper ON cluster.run_id = upper.run_id AND cluster.id = upper.cluster_id AND scoped.retired_by IS NULL
LEFT JOIN cluster_quality AS quality ON cluster.run_id = quality.run_id AND cluster.id = quality.cluster_id
WHERE
    (%(run_id)s::bigint IS NULL OR cluster.run_id = %(run_id)s::bigint)
    AND (%(every_scope)s::boolean OR scoped.scope IS NOT DISTINCT FROM %(scope)s::bigint)
ORDER BY coalesce(counted.photos, 0) DESC, cluster.id ASC;
