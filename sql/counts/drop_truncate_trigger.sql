-- Leaves photos_count to others; see create_truncate_trigger.
-- Returns: nothing.
DROP TRIGGER IF EXISTS fluffy_sql_count_truncated ON photos;
