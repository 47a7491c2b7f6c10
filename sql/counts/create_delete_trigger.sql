-- Counts photos that go.
-- Returns: nothing.
CREATE OR REPLACE TRIGGER fluffy_sql_count_deleted
AFTER DELETE ON photos
REFERENCING OLD TABLE AS old_photos
FOR EACH STATEMENT EXECUTE FUNCTION fluffy_sql_count_photos();
