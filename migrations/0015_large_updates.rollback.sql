DO $migration$
DECLARE
    place text := quote_ident(current_schema());
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION fluffy_sql_guard_photos() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $function$
        DECLARE
            stranger record;
        BEGIN
            SELECT usable.id, usable.scope, cluster.id AS cluster_id, cluster.scope AS cluster_scope INTO stranger
            FROM new_photos
            INNER JOIN %1$s.usable_photos AS usable ON usable.id = new_photos.id
            INNER JOIN %1$s.scoped_clusters AS cluster ON cluster.id = new_photos.cluster_id
            WHERE usable.scope IS DISTINCT FROM cluster.scope
            LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'photo %% is of %% and can not be in cluster %%, which is of %%',
                    stranger.id, coalesce('scope ' || stranger.scope, 'no scope'),
                    stranger.cluster_id, coalesce('scope ' || stranger.cluster_scope, 'no scope')
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END
        $function$
    $create$, place);
END
$migration$;
