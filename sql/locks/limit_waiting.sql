-- Says how long statements of this transaction wait for a lock before they fail; local to the transaction.
-- Parameters: milliseconds integer
-- Returns: one row of no interest.
SELECT set_config('lock_timeout', %(milliseconds)s::integer || 'ms', TRUE) AS lock_timeout;
