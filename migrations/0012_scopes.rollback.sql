-- Photos and clusters keep whose they are, in columns of an application; usable_photos keeps its column scope, since
-- functions of older migrations use the view.

DROP FUNCTION fluffy_sql_guard_photos() CASCADE;

DROP FUNCTION fluffy_sql_guard_cluster() CASCADE;

DROP FUNCTION scope_clusters_by(text);

DROP FUNCTION fluffy_sql_make_clusters;

DROP FUNCTION nearest_active_cluster(vector, double precision, bigint);

DROP VIEW scoped_clusters;

DO $$
BEGIN
    IF EXISTS (
        SELECT FROM fluffy_sql_created_objects WHERE kind = 'column' AND table_name = 'clusters' AND name = 'scope'
    ) THEN
        ALTER TABLE clusters DROP COLUMN IF EXISTS scope;
        DELETE FROM fluffy_sql_created_objects
        WHERE kind = 'column' AND table_name = 'clusters' AND name = 'scope';
    END IF;
END
$$;

ALTER TABLE cluster_runs DROP COLUMN scopes;

-- As 0010_assign made them, which says why.
CREATE FUNCTION nearest_active_cluster(embedding vector, max_distance double precision DEFAULT NULL)
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
        HAVING min(found.metric) = max(found.metric)
    ) AS nearest ON cluster.id = nearest.id
    WHERE cluster.status::text = '0' AND ($2 IS NULL OR nearest.distance <= $2)
    FOR KEY SHARE OF cluster;
END;

COMMENT ON FUNCTION nearest_active_cluster(vector, double precision) IS
'The active cluster whose centroid is nearest to a vector, as vector_nearest_clusters says. Null where none is within max_distance (in the metric of its run; null: however far), or where active clusters are of several metrics, whose distances do not compare. The cluster can not be deleted before the transaction ends. Example: SELECT nearest_active_cluster((SELECT embedding FROM photos WHERE id = 1), max_distance => 0.3);';

CREATE OR REPLACE FUNCTION assign_photo(photo_id bigint, max_distance double precision DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql
SET TimeZone = 'UTC'
AS $$
DECLARE
    this record;
BEGIN
    -- locked first: whoever is changing the photo is waited for, and it is placed by what it is then
    SELECT photo.embedding, photo.cluster_id, photo.cluster_pinned INTO this
    FROM photos AS photo
    INNER JOIN usable_photos AS usable ON photo.id = usable.id
    WHERE photo.id = $1
    FOR NO KEY UPDATE OF photo;
    IF this.cluster_id IS NULL AND this.cluster_pinned IS NOT TRUE THEN
        this.cluster_id := nearest_active_cluster(this.embedding, $2);
        UPDATE photos AS photo SET cluster_id = this.cluster_id, updated_at = now()
        WHERE photo.id = $1 AND this.cluster_id IS NOT NULL;
    END IF;
    RETURN this.cluster_id;
END
$$;

COMMENT ON FUNCTION assign_photo(bigint, double precision) IS
'Places a usable photo at its nearest active cluster, as fluffy-sql assign does, unless it is in a cluster or pinned. Gives the cluster it is in afterwards; null: none, see nearest_active_cluster. Example: SELECT assign_photo(1, max_distance => 0.3);';

CREATE OR REPLACE FUNCTION place_new_photo()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.cluster_id IS NULL AND NEW.cluster_pinned IS NOT TRUE THEN
        NEW.cluster_id := nearest_active_cluster(NEW.embedding, TG_ARGV[0]::double precision);
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION place_new_photo() IS
'A trigger that places photos as they come, unless they are in a cluster or pinned; its argument, if any, is max_distance. It can not ask usable_photos of a row that is not there yet: say in WHEN which photos it is for. Example: CREATE TRIGGER place_new_photo BEFORE INSERT OR UPDATE OF embedding ON photos FOR EACH ROW EXECUTE FUNCTION place_new_photo(0.3);';

DO $$
DECLARE
    path text := format('pg_catalog, %I, pg_temp', current_schema());
BEGIN
    EXECUTE 'ALTER FUNCTION assign_photo(bigint, double precision) SET search_path = ' || path;
    EXECUTE 'ALTER FUNCTION place_new_photo() SET search_path = ' || path;
END
$$;
