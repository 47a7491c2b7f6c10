-- The clusters, largest first, each with the path of its most central photo.
-- Parameters: run_id bigint (null: of every run and of none), most bigint (null: all)
-- Returns: id, name, status, photos_count, mean_distance, max_distance, central_photo, run_id, created_at.
SELECT
    overview.id,
    overview.name,
    overview.status,
    overview.photos_count,
    overview.mean_distance,
    overview.max_distance,
    member.path AS central_photo,
    overview.run_id,
    overview.created_at
FROM cluster_overview AS overview
LEFT JOIN cluster_members AS member ON overview.id = member.cluster_id AND member.rank = 1
WHERE %(run_id)s::bigint IS NULL OR overview.run_id = %(run_id)s::bigint
ORDER BY overview.photos_count DESC, overview.id ASC
LIMIT %(most)s::bigint;
