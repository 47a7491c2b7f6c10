-- The retired clusters, and what speaks for keeping each.
-- Returns: cluster_id, retired_by (a run), name, set_aside (its status is not 0), has_photos, referenced_by (the
--   tables other than photos with rows that refer to it; null: none).
SELECT
    cluster.id::bigint AS cluster_id,
    retired.retired_by,
    cluster.name::text AS name,
    cluster.status::text <> '0' AS set_aside,
    member.cluster_id IS NOT NULL AS has_photos,
    referring.tables AS referenced_by
FROM retired_clusters AS retired
INNER JOIN clusters AS cluster ON retired.cluster_id = cluster.id
LEFT JOIN (
    SELECT DISTINCT photos.cluster_id
    FROM photos
    INNER JOIN retired_clusters ON photos.cluster_id = retired_clusters.cluster_id
    WHERE retired_clusters.returned_by IS NULL
) AS member ON cluster.id = member.cluster_id
LEFT JOIN (
    SELECT
        referenced.cluster_id,
        array_agg(DISTINCT referenced.referenced_by ORDER BY referenced.referenced_by) AS tables
    FROM referenced_clusters() AS referenced
    GROUP BY referenced.cluster_id
) AS referring ON cluster.id = referring.cluster_id
WHERE retired.returned_by IS NULL
ORDER BY cluster.id;
