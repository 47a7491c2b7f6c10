-- For a cluster that comes after its photos, or takes them along to another id: with a key that is checked at the end
-- of the transaction, ON UPDATE CASCADE, or when both tables are copied with their counts. What is written down for it
-- and not folded yet is going to be added. A serializable transaction leaves it to whoever folds: what is read here
-- could fail it.
DO $do$
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION count_cluster() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $function$
        BEGIN
            -- by itself: an expression with names that are not there is refused whole
            IF to_regprocedure('%1$s.library_is_whole()') IS NULL THEN
                RETURN NEW;
            END IF;
            IF NOT %1$s.library_is_whole() THEN
                RETURN NEW;
            END IF;
            IF current_setting('transaction_isolation') = 'serializable' THEN
                NEW.photos_count := 0;
                INSERT INTO %1$s.photo_count_changes (cluster_id, photos) VALUES (NEW.id, NULL);
            ELSE
                NEW.photos_count := (
                    SELECT count(*) FROM %2$s AS photo WHERE photo.cluster_id = NEW.id
                ) - (
                    SELECT coalesce(sum(change.photos), 0)
                    FROM %1$s.photo_count_changes AS change
                    WHERE change.cluster_id = NEW.id
                );
            END IF;
            RETURN NEW;
        END
        $function$
    $create$, quote_ident(current_setting('fluffy_sql.schema')), application_table('photos'));
END
$do$;

COMMENT ON FUNCTION count_cluster() IS
'Counts the photos of a cluster that is new or has a new id; called by the trigger fluffy_sql_count_cluster.';
