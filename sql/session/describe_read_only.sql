-- Why a session may only read: asked after a statement was refused.
-- Returns: is_standby (whether the server follows another), set_by (what turned default_transaction_read_only on, in
--   the words of pg_settings; null if it is off); one row.
SELECT
    pg_is_in_recovery() AS is_standby,
    (
        SELECT source FROM pg_settings
        WHERE name = 'default_transaction_read_only' AND setting = 'on'
    ) AS set_by;
