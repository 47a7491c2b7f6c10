-- Counts nothing when all photos go at once.
-- Returns: nothing.
CREATE OR REPLACE TRIGGER fluffy_sql_count_truncated
AFTER TRUNCATE ON photos
FOR EACH STATEMENT EXECUTE FUNCTION fluffy_sql_count_photos();
