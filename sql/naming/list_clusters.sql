-- All clusters of one scope or of all, largest first, for names that are suggested. No photo is read.
-- Parameters: every_scope boolean, scope bigint (null: unscoped)
-- Returns: id, scope, name, run_id, to_be_named (whether a name is suggested: it has none and is not retired).
SELECT
    cluster.id::bigint AS id,
    scoped.scope::bigint AS scope,
    cluster.name::text AS name,
    cluster.run_id,
    nullif(trim(cluster.name), '') IS NULL AND scoped.retired_by IS NULL AS to_be_named
FROM clusters AS cluster
INNER JOIN scoped_clusters AS scoped ON cluster.id = scoped.id
WHERE %(every_scope)s::boolean OR scoped.scope IS NOT DISTINCT FROM %(scope)s::bigint
ORDER BY cluster.photos_count DESC NULLS LAST, cluster.id ASC;
