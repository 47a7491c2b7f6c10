-- Names clusters that have no name.
-- Parameters: cluster_ids bigint[], names text[] (one for each)
-- Returns: id; of those that it named.
UPDATE clusters SET name = named.name
FROM unnest(%(cluster_ids)s::bigint[], %(names)s::text[]) AS named (cluster_id, name)
WHERE clusters.id = named.cluster_id AND nullif(trim(clusters.name), '') IS NULL
RETURNING clusters.id::bigint AS id;
