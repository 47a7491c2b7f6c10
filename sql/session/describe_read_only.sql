-- Why a session may only read: asked after a statement was refused.
-- Returns: one row: is_standby (whether the server follows another), set_by (what turned default_transaction_read_only
--   on, in the words of pg_settings; null where it is off).
SELECT
    pg_is_in_recovery() AS is_standby,
    (
        SELECT source FROM pg_settings
        WHERE name = 'default_transaction_read_only' AND setting = 'on'
    ) AS set_by;
