-- Drops the cells of the sample, this run's or those that a killed run left behind.
-- Returns: nothing.
DROP TABLE IF EXISTS fluffy_sql_work.sample_cells;
