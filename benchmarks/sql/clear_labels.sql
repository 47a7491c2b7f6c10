-- Takes every photo out of its cluster.
-- Returns: nothing; the row count is the photos that had one.
UPDATE photos
SET cluster_id = NULL
WHERE cluster_id IS NOT NULL;
