-- It stays through fluffy-sql detach, for a trigger of the application's calls it: photos come in all the same, and
-- are placed by the next fluffy-sql assign. So are those of a role that may not place photos: it acts as whoever brings
-- them. Names are qualified, as in library_is_whole.
DO $do$
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION place_new_photo() RETURNS trigger
        LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
        AS $function$
        BEGIN
            IF TG_WHEN <> 'AFTER' THEN
                RAISE WARNING 'place_new_photo places no photo in a trigger that is fired before the photo is there; make it AFTER INSERT OR UPDATE';
                RETURN NEW;
            END IF;
            -- by itself: an expression with names that are not there is refused whole
            IF (
                SELECT count(*) < 5
                FROM pg_proc INNER JOIN pg_namespace ON pg_proc.pronamespace = pg_namespace.oid
                WHERE pg_namespace.nspname = %1$L
                    AND pg_proc.proname IN (
                        'library_is_whole', 'assign_photo', 'nearest_active_cluster', 'vector_nearest_clusters',
                        'clusters_by_neighbours'
                    )
                    AND has_schema_privilege(pg_namespace.oid, 'USAGE')
                    AND has_function_privilege(pg_proc.oid, 'EXECUTE')
            ) OR (
                -- what nearest_active_cluster finds by its name
                SELECT count(*) < 4
                FROM pg_attribute
                WHERE attrelid = to_regclass(%2$L) AND attname IN ('id', 'status', 'centroid', 'run_id')
                    AND NOT attisdropped
            ) THEN
                RETURN NULL;
            END IF;
            IF %1$I.library_is_whole() THEN
                PERFORM %1$I.assign_photo(NEW.id::bigint, nullif(TG_ARGV[0], '')::double precision);
            END IF;
            RETURN NULL;
        END
        $function$
    $create$, current_setting('fluffy_sql.schema'), application_table('clusters'));
END
$do$;

COMMENT ON FUNCTION place_new_photo() IS
'A trigger that places photos as they come, as assign_photo does: those that usable_photos shows, by the embedding and the scope that it shows. Its argument, if any, is max_distance. Example: CREATE TRIGGER place_new_photo AFTER INSERT OR UPDATE OF embedding ON photos FOR EACH ROW EXECUTE FUNCTION place_new_photo(0.3);';
