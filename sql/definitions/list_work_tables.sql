-- What runs do with work tables that only their owner may do: as their owner, so a role that runs need own nothing.
-- They touch work tables alone: see migrations/0005_work_tables.sql.
DO $do$
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION list_work_tables() RETURNS SETOF text
        LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
        AS $function$
            SELECT pg_class.relname::text
            FROM pg_class
            INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
            WHERE pg_namespace.nspname = %1$L
                AND pg_class.relkind = 'r'
                AND pg_class.relpersistence = 'u'
                AND starts_with(pg_class.relname::text, 'work_')
            ORDER BY pg_class.relname
        $function$
    $create$, current_setting('fluffy_sql.schema'));
END
$do$;

COMMENT ON FUNCTION list_work_tables() IS
'The tables that runs work in. Example: SELECT list_work_tables();';
