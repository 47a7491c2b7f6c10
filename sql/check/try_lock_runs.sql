-- Keeps runs and sweeps out until the transaction ends: the lock of runs/try_lock.
-- Returns: locked boolean (false: one is at work).
SELECT
    pg_try_advisory_xact_lock(
        hashtextextended('fluffy_sql generate ' || current_setting('fluffy_sql.schema'), 0)
    ) AS locked;
