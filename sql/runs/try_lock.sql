-- Takes the lock that lets one run at a time into this database; it goes with the session.
-- Returns: one boolean, false where another session holds it.
SELECT pg_try_advisory_lock(hashtextextended('fluffy_sql generate', 0)) AS locked;
