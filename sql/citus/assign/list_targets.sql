-- What list_targets does, where photos are distributed: shards tell first which clusters it is about.
-- Returns: id, active; no row for a cluster that was deleted meanwhile.
WITH touched AS MATERIALIZED (
    SELECT DISTINCT
        from_cluster_id,
        to_cluster_id
    FROM work_placements
    WHERE within_limit AND from_cluster_id IS DISTINCT FROM to_cluster_id
)

SELECT
    id,
    status::text = '0' AS active
FROM clusters
WHERE
    id IN (
        SELECT unnest(ARRAY[touched.from_cluster_id, touched.to_cluster_id])
        FROM touched
    )
ORDER BY id;
