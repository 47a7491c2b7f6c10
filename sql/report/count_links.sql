-- How often photos of one cluster are among the nearest neighbours of photos of another, by what a run kept
-- (clustering.leiden.keep): in a sample of its lists, drawn by a hash of the id. No embedding is fetched.
-- Parameters: cluster_ids bigint[], most bigint (lists), neighbours integer (of each)
-- Returns: cluster_id, other_id, links; none if nothing was kept.
WITH drawn AS MATERIALIZED (
    SELECT
        usable.cluster_id::bigint AS cluster_id,
        kept.neighbour_ids[1:%(neighbours)s::integer] AS neighbour_ids
    FROM photo_neighbour_lists AS kept
    INNER JOIN usable_photos AS usable ON kept.photo_id = usable.id
    WHERE usable.cluster_id = any(%(cluster_ids)s::bigint[])
    ORDER BY hashint8extended(kept.photo_id, 0), kept.photo_id
    LIMIT %(most)s::bigint
)

SELECT
    drawn.cluster_id,
    other.cluster_id::bigint AS other_id,
    count(*) AS links
FROM drawn
CROSS JOIN LATERAL unnest(drawn.neighbour_ids) AS neighbour (photo_id)
INNER JOIN usable_photos AS other ON neighbour.photo_id = other.id
WHERE other.cluster_id = any(%(cluster_ids)s::bigint[]) AND other.cluster_id <> drawn.cluster_id
GROUP BY drawn.cluster_id, other.cluster_id
ORDER BY drawn.cluster_id, other.cluster_id;
