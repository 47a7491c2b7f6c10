-- Drops the photos that quality was measured on.
-- Returns: nothing.
DROP TABLE IF EXISTS fluffy_sql_work.measured;
