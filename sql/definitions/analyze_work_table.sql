-- For runs: see list_work_tables.
DO $do$
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION analyze_work_table(work_table text, column_name text DEFAULT NULL) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $function$
        BEGIN
            IF $1 IN (SELECT %1$I.list_work_tables()) THEN
                EXECUTE format('ANALYZE %%I.%%I', %1$L, $1) || coalesce(format(' (%%I)', $2), '');
            END IF;
        END
        $function$
    $create$, current_setting('fluffy_sql.schema'));
END
$do$;

COMMENT ON FUNCTION analyze_work_table(text, text) IS
'Tells the planner how many rows a work table, or one of its columns, has. For runs of fluffy_sql.';
