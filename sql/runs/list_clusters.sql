-- The clusters, largest first, each with the path of its most central photo. One pass over the members of the
-- clusters asked for.
-- Parameters: run_id bigint (null: of every run and of none), every_scope boolean, scope bigint (null: unscoped),
--   most bigint (null: all)
-- Returns: id, scope (null: unscoped), name, status, retired_by (a run; null: it is not retired), photos_count,
--   photos_not_compared (no distance to the centroid: no embedding, another length, or all zeros), mean_distance,
--   max_distance, silhouette, davies_bouldin (both as its run measured them; null: not measured, or it has no photos),
--   central_photo, run_id, parent_ids (of coarser levels, the next one first; null: none), created_at.
SELECT
    cluster.id,
    cluster.of_scope AS scope,
    cluster.name,
    cluster.status,
    cluster.retired_by,
    cluster.photos_count,
    count(member.photo_id) FILTER (
        WHERE member.distance IS NULL AND cluster.has_centroid
    ) AS photos_not_compared,
    avg(member.distance ORDER BY member.rank) AS mean_distance,
    max(member.distance) AS max_distance,
    CASE WHEN count(member.photo_id) > 0 THEN quality.silhouette END AS silhouette,
    CASE WHEN count(member.photo_id) > 0 THEN quality.davies_bouldin END AS davies_bouldin,
    min(member.path) FILTER (WHERE member.rank = 1) AS central_photo,
    cluster.run_id,
    cluster.parent_ids,
    cluster.created_at
FROM (
    SELECT
        clusters.*,
        clusters.centroid IS NOT NULL AS has_centroid,
        scoped.scope AS of_scope,
        scoped.retired_by,
        CASE
            WHEN scoped.retired_by IS NULL
                THEN (
                    SELECT array_agg(upper.parent_id ORDER BY upper.level)
                    FROM cluster_levels AS upper
                    WHERE upper.run_id = clusters.run_id AND upper.cluster_id = clusters.id
                )
        END AS parent_ids
    FROM clusters
    INNER JOIN scoped_clusters AS scoped ON clusters.id = scoped.id
    WHERE
        (%(run_id)s::bigint IS NULL OR clusters.run_id = %(run_id)s::bigint)
        AND (%(every_scope)s::boolean OR scoped.scope IS NOT DISTINCT FROM %(scope)s::bigint)
    ORDER BY clusters.photos_count DESC, clusters.id ASC
    LIMIT %(most)s::bigint
) AS cluster
LEFT JOIN cluster_members AS member ON cluster.id = member.cluster_id
LEFT JOIN cluster_quality AS quality ON cluster.id = quality.cluster_id AND cluster.run_id = quality.run_id
GROUP BY
    cluster.id,
    cluster.of_scope,
    cluster.name,
    cluster.status,
    cluster.retired_by,
    cluster.photos_count,
    cluster.has_centroid,
    cluster.run_id,
    cluster.parent_ids,
    cluster.created_at,
    quality.silhouette, quality.davies_bouldin
ORDER BY cluster.photos_count DESC, cluster.id ASC;
