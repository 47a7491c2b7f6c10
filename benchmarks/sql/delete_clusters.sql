-- Deletes all clusters; no photo is in one any more.
-- Returns: nothing; the row count is the clusters there were.
DELETE FROM clusters;
