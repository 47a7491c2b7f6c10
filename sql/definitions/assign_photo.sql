-- PL/pgSQL, which looks names up when it runs, so that an application can still change the type of its own updated_at.
-- TimeZone: as in session/prepare, for now() is cast if timestamps have no zone.
CREATE OR REPLACE FUNCTION assign_photo(photo_id bigint, max_distance double precision DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET TimeZone = 'UTC'
AS $$
DECLARE
    this record;
BEGIN
    -- locked first: whoever is changing the photo is waited for, and it is placed by what the view shows then
    PERFORM FROM photos AS photo WHERE photo.id = $1 FOR NO KEY UPDATE;
    SELECT usable.embedding, photo.cluster_id, photo.cluster_pinned, usable.scope INTO this
    FROM photos AS photo
    INNER JOIN usable_photos AS usable ON photo.id = usable.id
    WHERE photo.id = $1;
    IF this.cluster_id IS NULL AND this.cluster_pinned IS NOT TRUE THEN
        this.cluster_id := nearest_active_cluster(this.embedding, $2, this.scope);
        UPDATE photos AS photo SET cluster_id = this.cluster_id, updated_at = now()
        WHERE photo.id = $1 AND this.cluster_id IS NOT NULL;
    END IF;
    RETURN this.cluster_id;
END
$$;

COMMENT ON FUNCTION assign_photo(bigint, double precision) IS
'Places a usable photo in the active cluster of its scope that it belongs to, as fluffy-sql assign does, unless it is in a cluster or pinned. Gives the cluster it is in afterwards; null: none, see nearest_active_cluster. Example: SELECT assign_photo(1, max_distance => 0.3);';
