-- Lets the next run in.
-- Returns: one boolean, true.
SELECT pg_advisory_unlock(hashtextextended('fluffy_sql generate', 0)) AS unlocked;
