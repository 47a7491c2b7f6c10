-- For runs: see list_work_tables.
DO $do$
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION empty_work_tables(names text[]) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $function$
        DECLARE
            work_table text;
        BEGIN
            FOR work_table IN SELECT name FROM %1$I.list_filled_work_tables() AS name LOOP
                IF $1 IS NULL OR work_table = ANY ($1) THEN
                    EXECUTE format('TRUNCATE %%I.%%I', %1$L, work_table);
                END IF;
            END LOOP;
        END
        $function$
    $create$, current_setting('fluffy_sql.schema'));
END
$do$;

COMMENT ON FUNCTION empty_work_tables(text[]) IS
'Empties work tables; null: all. For runs of fluffy_sql, one of which is let in at a time.';
