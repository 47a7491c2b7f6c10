-- Lets one import at a time change photos, waiting for another to end: two could both miss a new
-- path and both insert it. The lock ends with the transaction.
-- Returns: locked (one row, nothing in it).
SELECT
    pg_advisory_xact_lock(
        hashtextextended('fluffy_sql import ' || current_setting('fluffy_sql.schema'), 0)
    ) AS locked;
