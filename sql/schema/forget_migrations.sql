-- Drops the list of migrations, so that all are applied again: they make what is missing and leave the rest as it is.
-- Returns: nothing.
DO $$
BEGIN
    EXECUTE format(
        'DROP TABLE IF EXISTS %1$I.migrations, %1$I.migrations_log, %1$I.migrations_version',
        current_setting('fluffy_sql.schema')
    );
END
$$;
