-- Puts every photo into a cluster without looking at it: what the bare UPDATE costs.
-- Parameters: k integer
-- Returns: nothing; the row count is the photos placed.
UPDATE photos
SET
    cluster_id = 1 + mod(id, %(k)s::integer),
    updated_at = now();
