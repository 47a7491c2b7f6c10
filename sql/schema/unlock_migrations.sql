-- Lets the next migration in.
-- Returns: one boolean, true.
SELECT pg_advisory_unlock(hashtextextended('fluffy_sql migrate', 0)) AS unlocked;
