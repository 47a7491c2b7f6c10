-- No cluster holds photos of another scope. It sees the views as they are when it runs.
-- A photo that is put into a cluster has a lock on it, by its foreign key, that lasts until its transaction ends. So
-- this guard need not take one, and guard_cluster waits for it.
-- It looks up every photo of a statement: 0.15 s of the 1 s that an UPDATE of 100,000 takes. That nothing has a scope
-- is seen at once in a usable_photos that is as migrate makes it, and else by reading all photos. So it is asked of
-- large statements alone.
DO $do$
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION guard_photos() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $function$
        DECLARE
            wrong record;
        BEGIN
            -- by itself: an expression with names that are not there is refused whole
            IF to_regprocedure('%1$s.library_is_whole()') IS NULL THEN
                RETURN NULL;
            END IF;
            IF NOT %1$s.library_is_whole() THEN
                RETURN NULL;
            END IF;
            IF
                (SELECT count(*) FROM (SELECT FROM new_photos LIMIT 1000) AS begun) = 1000
                AND NOT EXISTS (SELECT FROM %1$s.usable_photos WHERE scope IS NOT NULL)
                AND NOT EXISTS (SELECT FROM %1$s.scoped_clusters WHERE scope IS NOT NULL)
            THEN
                RETURN NULL;
            END IF;
            -- what a serializable transaction reads may fail it, so photos are not read if none has a scope
            IF current_setting('transaction_isolation') = 'serializable' AND %1$s.usable_photos_is_as_made() THEN
                PERFORM
                FROM new_photos
                INNER JOIN %1$s.scoped_clusters AS cluster ON cluster.id = new_photos.cluster_id
                WHERE cluster.scope IS NOT NULL;
                IF NOT FOUND THEN
                    RETURN NULL;
                END IF;
            END IF;
            SELECT usable.id, usable.scope, cluster.id AS cluster_id, cluster.scope AS cluster_scope INTO wrong
            FROM new_photos
            INNER JOIN %1$s.usable_photos AS usable ON usable.id = new_photos.id
            INNER JOIN %1$s.scoped_clusters AS cluster ON cluster.id = new_photos.cluster_id
            WHERE usable.scope IS DISTINCT FROM cluster.scope
            LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'photo %% is of %% and can not be in cluster %%, which is of %%',
                    wrong.id,
                    coalesce('scope ' || coalesce(
                        (SELECT known.owner FROM %1$s.source_owners AS known WHERE known.scope = wrong.scope), wrong.scope::text
                    ), 'no scope'),
                    wrong.cluster_id,
                    coalesce('scope ' || coalesce(
                        (SELECT known.owner FROM %1$s.source_owners AS known WHERE known.scope = wrong.cluster_scope), wrong.cluster_scope::text
                    ), 'no scope')
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END
        $function$
    $create$, quote_ident(current_setting('fluffy_sql.schema')));
END
$do$;

COMMENT ON FUNCTION guard_photos() IS
'Refuses photos in a cluster of another scope; called by the triggers fluffy_sql_guard_*.';
