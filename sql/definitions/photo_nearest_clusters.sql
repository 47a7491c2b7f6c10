-- vector_nearest_clusters of the embedding that usable_photos shows.
CREATE OR REPLACE FUNCTION photo_nearest_clusters(photo_id bigint, n bigint DEFAULT 1)
RETURNS TABLE (cluster_id bigint, distance double precision, metric text, name text, is_member boolean)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        nearest.cluster_id,
        nearest.distance,
        nearest.metric,
        nearest.name,
        coalesce(nearest.cluster_id = photo.cluster_id, FALSE) AS is_member
    FROM usable_photos AS photo
    CROSS JOIN LATERAL vector_nearest_clusters(photo.embedding, $2) AS nearest
    WHERE photo.id = $1
    ORDER BY nearest.distance, nearest.cluster_id;
END;

COMMENT ON FUNCTION photo_nearest_clusters(bigint, bigint) IS
'Where a usable photo would go, as vector_nearest_clusters says of its embedding; is_member: it is there already. Example: SELECT * FROM photo_nearest_clusters(1, n => 3);';
