-- Locks every cluster, after the table, or fails at once if a session has locked one without writing to it: it may
-- be about to, and would wait for the table. Foreign keys that refer to a cluster are not in the way.
-- Returns: nothing; the row count is the clusters.
SELECT FROM clusters
ORDER BY id
FOR NO KEY UPDATE NOWAIT;
