-- Notes which tables, views and functions are there before they are migrated, for revoke_defaults. Local to the
-- transaction.
-- Returns: known_objects; one row.
SELECT
    set_config(
        'fluffy_sql.known_objects',
        array(
            SELECT pg_class.oid
            FROM pg_class
            INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
            WHERE
                pg_namespace.nspname = current_setting('fluffy_sql.schema')
                OR pg_class.oid IN (to_regclass('photos'), to_regclass('clusters'))
            UNION ALL
            SELECT pg_proc.oid
            FROM pg_proc
            INNER JOIN pg_namespace ON pg_proc.pronamespace = pg_namespace.oid
            WHERE pg_namespace.nspname = current_setting('fluffy_sql.schema')
            UNION ALL
            SELECT pg_namespace.oid
            FROM pg_namespace
            WHERE pg_namespace.nspname = current_setting('fluffy_sql.schema')
        )::text,
        TRUE
    ) AS known_objects;
