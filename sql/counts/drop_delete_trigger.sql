-- Leaves photos_count to others; see create_delete_trigger.
-- Returns: nothing.
DROP TRIGGER IF EXISTS fluffy_sql_count_deleted ON photos;
