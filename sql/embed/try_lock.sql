-- Takes the lock that lets one embed at a time into this library; it goes with the session.
-- Returns: locked boolean (false: another session holds it).
SELECT
    pg_try_advisory_lock(
        hashtextextended('fluffy_sql embed ' || current_setting('fluffy_sql.schema'), 0)
    ) AS locked;
