-- Waits until no other migration runs in this database; the lock goes with the session.
-- Returns: one row of no interest.
SELECT pg_advisory_lock(hashtextextended('fluffy_sql migrate', 0)) AS locked;
