-- For runs: see list_work_tables.
DO $do$
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION list_filled_work_tables() RETURNS SETOF text
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $function$
        DECLARE
            work_table text;
            filled boolean;
        BEGIN
            FOR work_table IN SELECT name FROM %1$I.list_work_tables() AS name LOOP
                EXECUTE format(
                    'SELECT count(*) > 0 FROM (SELECT 1 AS one FROM %%I.%%I LIMIT 1) AS found', %1$L, work_table
                ) INTO filled;
                IF filled THEN
                    RETURN NEXT work_table;
                END IF;
            END LOOP;
        END
        $function$
    $create$, current_setting('fluffy_sql.schema'));
END
$do$;

COMMENT ON FUNCTION list_filled_work_tables() IS
'Work tables that hold rows: those of a run that is at work, or was killed. Example: SELECT list_filled_work_tables();';
