-- For runs: see list_work_tables. A table without a row is emptied, too, if a statement that failed took room for some.
-- TRUNCATE needs a little room itself before it gives any back. So on a full disk rows are deleted, and the room comes
-- back with the next TRUNCATE, or by autovacuum.
DO $do$
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION empty_work_tables(names text[]) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $function$
        DECLARE
            work_table text;
        BEGIN
            FOR work_table IN
                SELECT listed.name
                FROM %1$I.list_work_tables() AS listed (name)
                WHERE
                    (names IS NULL OR listed.name = ANY (names))
                    AND (
                        pg_relation_size(format('%%I.%%I', %1$L, listed.name)::regclass) > 0
                        -- of a table that is distributed nothing lies here
                        OR listed.name IN (SELECT %1$I.list_filled_work_tables())
                    )
            LOOP
                BEGIN
                    EXECUTE format('TRUNCATE %%I.%%I', %1$L, work_table);
                EXCEPTION WHEN disk_full THEN
                    EXECUTE format('DELETE FROM %%I.%%I', %1$L, work_table);
                END;
            END LOOP;
        END
        $function$
    $create$, current_setting('fluffy_sql.schema'));
END
$do$;

COMMENT ON FUNCTION empty_work_tables(text[]) IS
'Empties work tables; null: all. For runs of fluffy_sql, one of which is let in at a time.';
