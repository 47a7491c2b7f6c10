-- Drops what was set aside, also what a killed run left behind.
-- Returns: nothing.
DROP TABLE IF EXISTS fluffy_sql_work.aside;
