-- Leaves photos_count to others; see create_update_trigger.
-- Returns: nothing.
DROP TRIGGER IF EXISTS fluffy_sql_count_updated ON photos;
