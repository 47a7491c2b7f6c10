-- Says when the next statement of this transaction is stopped at the latest, and when the server ends the session if
-- none comes. A shorter statement_timeout of the role's own stays. Local to the transaction.
-- Parameters: milliseconds integer
-- Returns: statement_timeout, idle_timeout (as they are now).
SELECT
    set_config(
        'statement_timeout',
        least(
            %(milliseconds)s::integer,
            (
                SELECT nullif(setting::integer, 0) FROM pg_settings
                WHERE name = 'statement_timeout'
            )
        ) || 'ms',
        TRUE
    ) AS statement_timeout,
    set_config('idle_in_transaction_session_timeout', %(milliseconds)s::integer || 'ms', TRUE) AS idle_timeout;
