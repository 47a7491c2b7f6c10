-- Lets the next run in.
-- Returns: unlocked boolean (true).
SELECT
    pg_advisory_unlock(
        hashtextextended('fluffy_sql generate ' || current_setting('fluffy_sql.schema'), 0)
    ) AS unlocked;
