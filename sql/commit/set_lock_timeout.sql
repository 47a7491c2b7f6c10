-- Says how long statements of this transaction wait for a lock before they fail. A shorter lock_timeout of the role's
-- own stays. Local to the transaction.
-- Parameters: milliseconds integer
-- Returns: lock_timeout (as it is now).
SELECT
    set_config(
        'lock_timeout',
        least(
            %(milliseconds)s::integer,
            (
                SELECT nullif(setting::integer, 0) FROM pg_settings
                WHERE name = 'lock_timeout'
            )
        ) || 'ms',
        TRUE
    ) AS lock_timeout;
