-- Counts photos that move. Of every UPDATE, since Postgres allows no list of columns beside transition tables.
-- Returns: nothing.
CREATE OR REPLACE TRIGGER fluffy_sql_count_updated
AFTER UPDATE ON photos
REFERENCING OLD TABLE AS old_photos NEW TABLE AS new_photos
FOR EACH STATEMENT EXECUTE FUNCTION fluffy_sql_count_photos();
