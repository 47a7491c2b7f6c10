-- The clusters, with how tight they are. What triggers could not add to photos_count yet is in it here.
CREATE OR REPLACE VIEW cluster_overview AS
SELECT
    cluster.id,
    cluster.name,
    cluster.status,
    CASE
        WHEN pending.to_be_counted OR everything.to_be_counted THEN coalesce(counted.photos, 0)
        ELSE coalesce(cluster.photos_count, 0) + coalesce(pending.photos, 0)
    END AS photos_count,
    member.mean_distance,
    member.max_distance,
    cluster.run_id,
    cluster.created_at,
    retired.retired_by,
    CASE WHEN retired.retired_by IS NULL THEN upper.parent_ids END AS parent_ids
FROM clusters AS cluster
LEFT JOIN retired_clusters AS retired ON cluster.id = retired.cluster_id AND retired.returned_by IS NULL
LEFT JOIN (
    SELECT
        run_id,
        cluster_id,
        array_agg(parent_id ORDER BY level) AS parent_ids
    FROM cluster_levels
    GROUP BY run_id, cluster_id
) AS upper ON cluster.id = upper.cluster_id AND cluster.run_id = upper.run_id
LEFT JOIN (
    SELECT
        cluster_id,
        sum(photos)::bigint AS photos,
        bool_or(photos IS NULL) AS to_be_counted
    FROM photo_count_changes
    GROUP BY cluster_id
) AS pending ON cluster.id = pending.cluster_id
CROSS JOIN (
    SELECT coalesce(bool_or(cluster_id IS NULL), FALSE) AS to_be_counted
    FROM photo_count_changes
) AS everything
LEFT JOIN (
    SELECT
        cluster_id,
        count(*) AS photos
    FROM photos
    WHERE TRUE = any(SELECT change.photos IS NULL FROM photo_count_changes AS change)
    GROUP BY cluster_id
) AS counted ON cluster.id = counted.cluster_id
LEFT JOIN (
    SELECT
        cluster_id,
        avg(distance) AS mean_distance,
        max(distance) AS max_distance
    FROM cluster_members
    GROUP BY cluster_id
) AS member ON cluster.id = member.cluster_id;

COMMENT ON VIEW cluster_overview IS
'The clusters, with how tight they are. Example: SELECT * FROM cluster_overview ORDER BY photos_count DESC;';
COMMENT ON COLUMN cluster_overview.mean_distance IS
'Mean distance of its usable photos to its centroid, in the metric of the run; small is tight.';
COMMENT ON COLUMN cluster_overview.retired_by IS
'The recluster that left it without photos: it takes none until a run brings it back. Null: it is not retired.';
COMMENT ON COLUMN cluster_overview.parent_ids IS
'The groups that it is in at coarser levels, each with the id of its largest cluster; the next coarser level first. Null: its run has none.';
COMMENT ON COLUMN cluster_overview.max_distance IS 'Distance of the photo that fits it least.';
