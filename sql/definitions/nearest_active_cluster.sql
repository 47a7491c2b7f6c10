-- It locks the cluster, as the foreign key is about to do anyway: a cluster that is just being deleted is waited for
-- and then not given, where the key would refuse the photo. PL/pgSQL, so that votes are planned only if there are any.
CREATE OR REPLACE FUNCTION nearest_active_cluster(
    embedding vector, max_distance double precision DEFAULT NULL, scope bigint DEFAULT NULL
)
RETURNS bigint
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
    nearest record;
    rule record;
BEGIN
    SELECT
        (array_agg(found.cluster_id ORDER BY found.distance, found.cluster_id))[1] AS id,
        min(found.distance) AS distance
    INTO nearest
    FROM vector_nearest_clusters($1, NULL) AS found
    INNER JOIN scoped_clusters AS scoped ON found.cluster_id = scoped.id
    WHERE scoped.scope IS NOT DISTINCT FROM $3
    HAVING min(found.metric) = max(found.metric);
    SELECT said.metric, said.neighbours, said.within, said.core_of INTO rule
    FROM clusters AS cluster
    INNER JOIN placing_rules AS said ON cluster.run_id = said.run_id
    WHERE cluster.id = nearest.id;
    IF rule.neighbours > 0 THEN
        SELECT
            alike.ids[voted.chosen] AS id,
            CASE WHEN rule.metric = 'cosine' THEN voted.distance * voted.distance / 2 ELSE voted.distance END AS distance
        INTO nearest
        FROM (
            SELECT
                array_agg(cluster.id::bigint ORDER BY cluster.id) AS ids,
                array_agg(vector(cluster.centroid, -1, FALSE) ORDER BY cluster.id) AS centroids
            FROM clusters AS cluster
            INNER JOIN scoped_clusters AS scoped ON cluster.id = scoped.id
            INNER JOIN placing_rules AS said ON cluster.run_id = said.run_id
            WHERE
                scoped.active
                AND scoped.scope IS NOT DISTINCT FROM $3
                AND said.neighbours = rule.neighbours
                AND said.within IS NOT DISTINCT FROM rule.within
                AND said.core_of IS NOT DISTINCT FROM rule.core_of
                AND vector_dims(cluster.centroid) = vector_dims($1)
        ) AS alike
        CROSS JOIN
            LATERAL clusters_by_neighbours(
                ARRAY[comparable_embedding($1, rule.metric = 'cosine')],
                alike.ids,
                alike.centroids,
                rule.neighbours,
                rule.within,
                rule.core_of,
                rule.metric
            ) AS voted;
    END IF;
    -- status again, of the row as it is when the lock is there
    SELECT cluster.id INTO nearest
    FROM clusters AS cluster
    WHERE
        cluster.id = nearest.id
        AND cluster.status::text = '0'
        AND ($2 IS NULL OR nearest.distance <= nullif($2, 'NaN'))
    FOR KEY SHARE OF cluster;
    RETURN nearest.id;
END
$$;

COMMENT ON FUNCTION nearest_active_cluster(vector, double precision, bigint) IS
'The active cluster of a scope (null: unscoped) that a vector belongs to. This is the cluster with the nearest centroid, see vector_nearest_clusters. If the run of that cluster does not go by centroids (see placing_rules), it is the cluster that gets more than half of the votes of the nearest photos (leiden), or the cluster of the nearest core photo (dbscan). The result is null if the centroid is farther than max_distance (in the metric of the run; null: no limit), if the neighbours do not agree, if no core photo is near, or if active clusters have different metrics, whose distances can not be compared. The cluster can not be deleted before the transaction ends. Example: SELECT nearest_active_cluster((SELECT embedding FROM photos WHERE id = 1), max_distance => 0.3);';
