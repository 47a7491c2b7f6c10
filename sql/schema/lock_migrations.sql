-- Waits until no other migration of this library runs; the lock goes with the transaction.
-- Returns: locked (one row, nothing in it).
SELECT
    pg_advisory_xact_lock(
        hashtextextended('fluffy_sql migrate ' || current_setting('fluffy_sql.schema'), 0)
    ) AS locked;
