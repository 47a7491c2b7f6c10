-- Drops the work table, this run's or one that a killed run left behind.
-- Returns: nothing.
DROP TABLE IF EXISTS fluffy_sql_work.assignments;
