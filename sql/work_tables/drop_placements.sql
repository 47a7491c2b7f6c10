-- Drops the nearest clusters that were found, by this run or one that a killed run left behind.
-- Returns: nothing.
DROP TABLE IF EXISTS fluffy_sql_work.placements;
