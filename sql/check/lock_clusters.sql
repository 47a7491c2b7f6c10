-- Keeps others from counting these clusters until the transaction ends: what they did before is then seen by the next
-- statement, and what they do afterwards is added to what that writes. In the order in which triggers lock them.
-- Parameters: cluster_ids bigint[]
-- Returns: cluster_id.
SELECT id AS cluster_id
FROM clusters
WHERE id = any(%(cluster_ids)s::bigint[])
ORDER BY id
FOR NO KEY UPDATE;
