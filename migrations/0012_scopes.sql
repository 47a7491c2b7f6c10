-- Owners: usable_photos says whose each photo is (scope), scoped_clusters whose each cluster is, and no cluster holds
-- photos of another scope. A scope is a number, say the id of an owner; null is a scope, too: that of photos and
-- clusters which are nobody's own.
-- depends: 0011_resume

ALTER TABLE cluster_runs ADD COLUMN scopes integer;

COMMENT ON COLUMN cluster_runs.scopes IS
'How many scopes the photos of the run were of, each clustered by itself. Null: the run is older than this column, or not one that trains.';

-- A view that is as 0003 made it gets the column; one that somebody wrote is kept, as the middle of the new one, with
-- its options.
DO $$
DECLARE
    usable regclass := 'usable_photos';
    options text := (SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = usable);
    written text := rtrim(pg_get_viewdef(usable), ';');
BEGIN
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = usable AND attname = 'scope' AND NOT attisdropped) THEN
        RETURN;
    END IF;
    IF (SELECT relkind <> 'v' FROM pg_class WHERE oid = usable) THEN
        RAISE EXCEPTION 'usable_photos is not a view, so it can not get the column scope; add it (bigint, null) and migrate again';
    END IF;
    CREATE TEMPORARY VIEW as_made_first AS SELECT id, path, embedding, cluster_id FROM photos;
    IF pg_get_viewdef(usable) = pg_get_viewdef('as_made_first'::regclass) THEN
        CREATE OR REPLACE VIEW usable_photos AS
        SELECT id, path, embedding, cluster_id, NULL::bigint AS scope FROM photos;
    ELSE
        EXECUTE format(
            'CREATE OR REPLACE VIEW usable_photos %s AS SELECT usable.*, NULL::bigint AS scope FROM (%s) AS usable',
            'WITH (' || options || ')', written
        );
    END IF;
    DROP VIEW as_made_first;
    IF EXISTS (SELECT FROM fluffy_sql_created_objects WHERE kind = 'view' AND name = 'usable_photos') THEN
        COMMENT ON VIEW usable_photos IS
            'The photos that fluffy_sql looks at: all, until you replace the view. Keep the columns id, path, embedding, cluster_id, scope (whose the photo is; null: nobody''s own).';
    END IF;
END
$$;

-- Both guards run as their owner, for the reasons in 0009_counts, and see the views as they are when they run.
--
-- A photo that is put into a cluster has a lock on it, by its foreign key, that lasts until its transaction ends. So
-- this guard need not take one, and fluffy_sql_guard_cluster waits for it.
DO $migration$
DECLARE
    place text := quote_ident(current_schema());
BEGIN
    EXECUTE format($create$
        CREATE FUNCTION fluffy_sql_guard_photos() RETURNS trigger
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
    EXECUTE format($create$
        CREATE FUNCTION fluffy_sql_guard_cluster() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $function$
        DECLARE
            stranger record;
        BEGIN
            PERFORM FROM %1$s.clusters AS cluster WHERE cluster.id = NEW.id FOR UPDATE;
            SELECT usable.id, usable.scope, cluster.scope AS cluster_scope INTO stranger
            FROM %1$s.usable_photos AS usable
            INNER JOIN %1$s.scoped_clusters AS cluster ON usable.cluster_id = cluster.id
            WHERE cluster.id = NEW.id AND usable.scope IS DISTINCT FROM cluster.scope
            LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'cluster %% can not be of %%: it holds photo %%, which is of %%',
                    NEW.id, coalesce('scope ' || stranger.cluster_scope, 'no scope'),
                    stranger.id, coalesce('scope ' || stranger.scope, 'no scope')
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END
        $function$
    $create$, place);
END
$migration$;

REVOKE ALL ON FUNCTION fluffy_sql_guard_photos(), fluffy_sql_guard_cluster() FROM public;

COMMENT ON FUNCTION fluffy_sql_guard_photos() IS
'Refuses photos in a cluster of another scope; called by the triggers fluffy_sql_guard_*.';
COMMENT ON FUNCTION fluffy_sql_guard_cluster() IS
'Refuses another scope for a cluster that has photos; called by the trigger fluffy_sql_guard_cluster.';

CREATE TRIGGER fluffy_sql_guard_inserted AFTER INSERT ON photos
REFERENCING NEW TABLE AS new_photos
FOR EACH STATEMENT EXECUTE FUNCTION fluffy_sql_guard_photos();

CREATE TRIGGER fluffy_sql_guard_updated AFTER UPDATE ON photos
REFERENCING NEW TABLE AS new_photos
FOR EACH STATEMENT EXECUTE FUNCTION fluffy_sql_guard_photos();

-- The column of clusters that has the scope is named here alone: an application may have its own. A function makes
-- clusters, as a view that could be written to would keep an application from changing the types of its columns. As
-- SECURITY INVOKER, for whoever calls it has to own both tables.
CREATE FUNCTION scope_clusters_by(column_name text)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('CREATE OR REPLACE VIEW scoped_clusters AS SELECT id, %1$I AS scope FROM clusters', $1);
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER fluffy_sql_guard_cluster AFTER UPDATE ON clusters'
        ' FOR EACH ROW WHEN (OLD.%1$I IS DISTINCT FROM NEW.%1$I) EXECUTE FUNCTION fluffy_sql_guard_cluster()',
        $1
    );
    EXECUTE format(
        $create$
            CREATE OR REPLACE FUNCTION fluffy_sql_make_clusters(run_id bigint, centroids %3$s[], scopes bigint[])
            RETURNS SETOF bigint
            LANGUAGE plpgsql
            SET search_path = pg_catalog, %2$I, pg_temp
            AS $function$
            BEGIN
                RETURN QUERY
                INSERT INTO clusters (status, photos_count, centroid, run_id, %1$I, created_at, updated_at)
                SELECT 0, 0, made.centroid, $1, made.scope, now(), now()
                FROM unnest($2, $3) WITH ORDINALITY AS made (centroid, scope, place)
                ORDER BY made.place
                RETURNING clusters.id::bigint;
            END
            $function$
        $create$,
        $1,
        current_schema(),
        -- with its schema, if that is another one
        (
            SELECT format_type(atttypid, NULL) FROM pg_attribute
            WHERE attrelid = 'clusters'::regclass AND attname = 'centroid'
        )
    );
    COMMENT ON VIEW scoped_clusters IS
        'The scope of each cluster, by whatever column of clusters that is: see scope_clusters_by. Example: SELECT scope, count(*) FROM scoped_clusters GROUP BY scope;';
    COMMENT ON FUNCTION fluffy_sql_make_clusters IS
        'Makes clusters of a run, with these centroids and scopes and in their order; gives their ids. For runs of fluffy_sql.';
END
$$;

COMMENT ON FUNCTION scope_clusters_by(text) IS
'Says which column of clusters has the scope; migrations do it: a column that must not be null and refers to the same table as the column of that name in photos, else scope. Example: SELECT scope_clusters_by(''scope'');';

DO $$
DECLARE
    owner_columns text[] := (
        SELECT array_agg(DISTINCT of_cluster.attname::text)
        FROM pg_constraint AS cluster_key
        INNER JOIN pg_attribute AS of_cluster
            ON of_cluster.attrelid = cluster_key.conrelid AND of_cluster.attnum = cluster_key.conkey[1]
        INNER JOIN pg_constraint AS photo_key ON cluster_key.confrelid = photo_key.confrelid
        INNER JOIN pg_attribute AS of_photo
            ON of_photo.attrelid = photo_key.conrelid AND of_photo.attnum = photo_key.conkey[1]
        WHERE
            cluster_key.conrelid = 'clusters'::regclass
            AND photo_key.conrelid = 'photos'::regclass
            AND cluster_key.contype = 'f'
            AND photo_key.contype = 'f'
            AND cardinality(cluster_key.conkey) = 1
            AND cardinality(photo_key.conkey) = 1
            AND of_cluster.attname = of_photo.attname
            AND of_cluster.attnotnull
            AND of_cluster.atttypid IN ('bigint'::regtype, 'integer'::regtype)
    );
BEGIN
    IF cardinality(owner_columns) = 1 THEN
        PERFORM scope_clusters_by(owner_columns[1]);
    ELSE
        IF EXISTS (
            SELECT FROM pg_attribute
            WHERE attrelid = 'clusters'::regclass AND attname = 'scope' AND NOT attisdropped
                AND atttypid NOT IN ('bigint'::regtype, 'integer'::regtype)
        ) THEN
            RAISE EXCEPTION 'clusters.scope is not a number, so it can not say whose a cluster is; rename it and migrate again';
        ELSIF NOT EXISTS (
            SELECT FROM pg_attribute WHERE attrelid = 'clusters'::regclass AND attname = 'scope' AND NOT attisdropped
        ) THEN
            ALTER TABLE clusters ADD COLUMN scope bigint;
            COMMENT ON COLUMN clusters.scope IS 'Whose photos it holds, as usable_photos says. Null: nobody''s own.';
            INSERT INTO fluffy_sql_created_objects (kind, table_name, name) VALUES ('column', 'clusters', 'scope');
        END IF;
        PERFORM scope_clusters_by('scope');
    END IF;
END
$$;

-- Functions that place photos look among the clusters of one scope.

DROP FUNCTION nearest_active_cluster(vector, double precision);

-- It locks the cluster, as the foreign key is about to do anyway: a cluster that is just being deleted is waited for
-- and then not given, where the key would refuse the photo.
CREATE FUNCTION nearest_active_cluster(
    embedding vector, max_distance double precision DEFAULT NULL, scope bigint DEFAULT NULL
)
RETURNS bigint
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT cluster.id::bigint AS id
    FROM clusters AS cluster
    INNER JOIN (
        SELECT
            (array_agg(found.cluster_id ORDER BY found.distance, found.cluster_id))[1] AS id,
            min(found.distance) AS distance
        FROM vector_nearest_clusters($1, NULL) AS found
        INNER JOIN scoped_clusters AS scoped ON found.cluster_id = scoped.id
        WHERE scoped.scope IS NOT DISTINCT FROM $3
        HAVING min(found.metric) = max(found.metric)
    ) AS nearest ON cluster.id = nearest.id
    WHERE cluster.status::text = '0' AND ($2 IS NULL OR nearest.distance <= $2)
    FOR KEY SHARE OF cluster;
END;

COMMENT ON FUNCTION nearest_active_cluster(vector, double precision, bigint) IS
'The active cluster of a scope (null: nobody''s own) whose centroid is nearest to a vector, as vector_nearest_clusters says. Null where none is within max_distance (in the metric of its run; null: however far), or where active clusters are of several metrics, whose distances do not compare. The cluster can not be deleted before the transaction ends. Example: SELECT nearest_active_cluster((SELECT embedding FROM photos WHERE id = 1), max_distance => 0.3);';

CREATE OR REPLACE FUNCTION assign_photo(photo_id bigint, max_distance double precision DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql
SET TimeZone = 'UTC'
AS $$
DECLARE
    this record;
BEGIN
    -- locked first: whoever is changing the photo is waited for, and it is placed by what it is then
    SELECT photo.embedding, photo.cluster_id, photo.cluster_pinned, usable.scope INTO this
    FROM photos AS photo
    INNER JOIN usable_photos AS usable ON photo.id = usable.id
    WHERE photo.id = $1
    FOR NO KEY UPDATE OF photo;
    IF this.cluster_id IS NULL AND this.cluster_pinned IS NOT TRUE THEN
        this.cluster_id := nearest_active_cluster(this.embedding, $2, this.scope);
        UPDATE photos AS photo SET cluster_id = this.cluster_id, updated_at = now()
        WHERE photo.id = $1 AND this.cluster_id IS NOT NULL;
    END IF;
    RETURN this.cluster_id;
END
$$;

COMMENT ON FUNCTION assign_photo(bigint, double precision) IS
'Places a usable photo at its nearest active cluster of its scope, as fluffy-sql assign does, unless it is in a cluster or pinned. Gives the cluster it is in afterwards; null: none, see nearest_active_cluster. Example: SELECT assign_photo(1, max_distance => 0.3);';

CREATE OR REPLACE FUNCTION place_new_photo()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.cluster_id IS NULL AND NEW.cluster_pinned IS NOT TRUE THEN
        NEW.cluster_id := nearest_active_cluster(
            NEW.embedding, nullif(TG_ARGV[0], '')::double precision, (to_jsonb(NEW) ->> TG_ARGV[1])::bigint
        );
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION place_new_photo() IS
'A trigger that places photos as they come, unless they are in a cluster or pinned; its arguments, if any, are max_distance ('''': however far) and the column of photos that has the scope. It can not ask usable_photos of a row that is not there yet: say in WHEN which photos it is for. Example: CREATE TRIGGER place_new_photo BEFORE INSERT OR UPDATE OF embedding ON photos FOR EACH ROW EXECUTE FUNCTION place_new_photo(0.3);';

DO $$
DECLARE
    path text := format('pg_catalog, %I, pg_temp', current_schema());
BEGIN
    -- it makes things, so the library's schema comes first; pg_catalog goes before all that are named
    EXECUTE format('ALTER FUNCTION scope_clusters_by(text) SET search_path = %I, pg_temp', current_schema());
    EXECUTE 'ALTER FUNCTION assign_photo(bigint, double precision) SET search_path = ' || path;
    EXECUTE 'ALTER FUNCTION place_new_photo() SET search_path = ' || path;
END
$$;
