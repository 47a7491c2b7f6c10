-- The photos of clusters, cluster by cluster, the most central first; read as they come, since there may be many.
-- Parameters: run_id bigint (null: of every run and of none), every_scope boolean, scope bigint (null: unscoped),
--   cluster_ids bigint[] (null: all)
-- Returns: cluster_id, cluster_name, scope, photo_id, key (null: not of an attached library), path, rank, distance.
SELECT
    cluster.id::bigint AS cluster_id,
    cluster.name::text AS cluster_name,
    scoped.scope::bigint AS scope,
    member.photo_id::bigint AS photo_id,
    (
        SELECT string_agg(part.value, '/' ORDER BY part.key)
        FROM jsonb_each_text(to_jsonb(known.*) - 'photo_id') AS part (key, value)
    ) AS key,
    member.path,
    member.rank,
    member.distance
FROM cluster_members AS member
INNER JOIN clusters AS cluster ON member.cluster_id = cluster.id
INNER JOIN scoped_clusters AS scoped ON cluster.id = scoped.id
LEFT JOIN source_keys AS known ON member.photo_id = known.photo_id
WHERE
    (%(run_id)s::bigint IS NULL OR cluster.run_id = %(run_id)s::bigint)
    AND (%(every_scope)s::boolean OR scoped.scope IS NOT DISTINCT FROM %(scope)s::bigint)
    AND (%(cluster_ids)s::bigint[] IS NULL OR member.cluster_id = any(%(cluster_ids)s::bigint[]))
ORDER BY cluster.id ASC, member.rank ASC;
