-- Names a cluster, whatever its name was.
-- Parameters: cluster_id bigint, name text (null: it is to have none)
-- Returns: name_before; no row if there is no such cluster.
WITH before AS (
    SELECT
        id,
        name::text AS name
    FROM clusters
    WHERE id = %(cluster_id)s::bigint
    FOR NO KEY UPDATE
)

UPDATE clusters SET name = %(name)s::text
FROM before
WHERE clusters.id = before.id
RETURNING before.name AS name_before;
