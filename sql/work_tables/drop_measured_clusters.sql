-- Drops what was measured of each cluster.
-- Returns: nothing.
DROP TABLE IF EXISTS fluffy_sql_work.measured_clusters;
