-- It locks the cluster, as the foreign key is about to do anyway: a cluster that is just being deleted is waited for
-- and then not given, where the key would refuse the photo.
CREATE OR REPLACE FUNCTION nearest_active_cluster(
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
    -- again, of the row as it is when the lock is there
    WHERE cluster.status::text = '0' AND ($2 IS NULL OR nearest.distance <= nullif($2, 'NaN'))
    FOR KEY SHARE OF cluster;
END;

COMMENT ON FUNCTION nearest_active_cluster(vector, double precision, bigint) IS
'The active cluster of a scope (null: unscoped) whose centroid is nearest to a vector, as vector_nearest_clusters says. Null if none is within max_distance (in the metric of its run; null: however far), or if active clusters are of several metrics, whose distances do not compare. The cluster can not be deleted before the transaction ends. Example: SELECT nearest_active_cluster((SELECT embedding FROM photos WHERE id = 1), max_distance => 0.3);';
