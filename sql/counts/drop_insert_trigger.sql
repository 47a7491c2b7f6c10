-- Leaves photos_count to others; see create_insert_trigger.
-- Returns: nothing.
DROP TRIGGER IF EXISTS fluffy_sql_count_inserted ON photos;
