-- The word whose embedding is nearest to the centroid of each cluster, by cosine.
-- Parameters: cluster_ids bigint[], words vector[], dimensions integer (of these)
-- Returns: cluster_id, place (of the word, from 1), similarity (of the two, at most 1); none for a centroid of another
--   length.
SELECT
    cluster.id AS cluster_id,
    nearest.place,
    1 - nearest.distance AS similarity
FROM (
    SELECT
        id::bigint AS id,
        centroid
    FROM clusters
    WHERE id = any(%(cluster_ids)s::bigint[]) AND vector_dims(centroid) = %(dimensions)s::integer
    OFFSET 0
) AS cluster
CROSS JOIN
    LATERAL (
        SELECT
            word.place,
            cluster.centroid <=> word.embedding AS distance
        FROM unnest(%(words)b::vector[]) WITH ORDINALITY AS word (embedding, place)
        ORDER BY distance ASC, word.place ASC
        LIMIT 1
    ) AS nearest
ORDER BY cluster.id;
