-- The guard of scopes looks up every photo of a statement: 0.15 s of the 1 s that an UPDATE of 100,000 takes. That
-- nothing has a scope is seen at once in a usable_photos that is as 0012 made it, and elsewhere by reading all photos.
-- So it is asked of large statements alone.
-- depends: 0014_photo_moves

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
            IF
                (SELECT count(*) FROM (SELECT FROM new_photos LIMIT 1000) AS begun) = 1000
                AND NOT EXISTS (SELECT FROM %1$s.usable_photos WHERE scope IS NOT NULL)
                AND NOT EXISTS (SELECT FROM %1$s.scoped_clusters WHERE scope IS NOT NULL)
            THEN
                RETURN NULL;
            END IF;
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

-- Runs no longer make it; one that was killed may have left it.
DROP TABLE IF EXISTS fluffy_sql_work.sample_cells;
