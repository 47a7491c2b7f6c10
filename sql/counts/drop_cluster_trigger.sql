-- Leaves photos_count to others; see create_cluster_trigger.
-- Returns: nothing.
DROP TRIGGER IF EXISTS fluffy_sql_count_cluster ON clusters;
