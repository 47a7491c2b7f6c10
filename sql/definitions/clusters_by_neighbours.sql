-- What assign and nearest_active_cluster share, so that both place a photo alike: the way of the rule.
CREATE OR REPLACE FUNCTION clusters_by_neighbours(
    embeddings vector[], cluster_ids bigint[], centroids vector[], neighbours integer, within double precision,
    core_of integer, metric text, without_vote bigint[] DEFAULT '{}'
) RETURNS TABLE (place bigint, chosen bigint, distance double precision)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        place,
        chosen,
        distance
    FROM voted_clusters(embeddings, cluster_ids, centroids, neighbours, metric = 'cosine', without_vote)
    WHERE core_of IS NULL
    UNION ALL
    SELECT
        place,
        chosen,
        distance
    FROM
        nearest_cores(
            embeddings,
            cluster_ids,
            centroids,
            CASE WHEN metric = 'cosine' THEN sqrt(2 * within) ELSE within END,
            core_of,
            metric = 'cosine',
            without_vote
        )
    WHERE core_of IS NOT NULL;
END;

COMMENT ON FUNCTION clusters_by_neighbours(
    vector[], bigint[], vector[], integer, double precision, integer, text, bigint[]
) IS
'The cluster, of those given, that each embedding belongs to by a rule of placing_rules. place, chosen, distance, without_vote: as in voted_clusters. For runs of fluffy_sql.';
