-- Counts photos that come; also turns the trigger on again where somebody disabled it.
-- Returns: nothing.
CREATE OR REPLACE TRIGGER fluffy_sql_count_inserted
AFTER INSERT ON photos
REFERENCING NEW TABLE AS new_photos
FOR EACH STATEMENT EXECUTE FUNCTION fluffy_sql_count_photos();
