-- What the deferred trigger on photo_count_changes calls.
DO $do$
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION fold_photo_counts_at_commit() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $function$
        BEGIN
            -- not even asked: what a serializable transaction reads may fail it
            IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
                RETURN NULL;
            END IF;
            -- another event of this transaction may have folded it already
            IF EXISTS (SELECT FROM %1$s.photo_count_changes AS change WHERE change.id = NEW.id) THEN
                PERFORM %1$s.fold_photo_counts();
            END IF;
            RETURN NULL;
        END
        $function$
    $create$, quote_ident(current_setting('fluffy_sql.schema')));
END
$do$;

COMMENT ON FUNCTION fold_photo_counts_at_commit() IS
'Calls fold_photo_counts as a transaction commits; called by the trigger fluffy_sql_fold.';
