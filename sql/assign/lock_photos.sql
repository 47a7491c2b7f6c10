-- Keeps the photos that are about to be placed as they are until the end of the transaction, waiting for whoever is
-- changing one; those that changed are passed over, as by place_photos. Photos are locked before clusters, for so does
-- whoever moves a photo and counts afterwards: in the other order the two would wait for each other.
-- Returns: one row: photos, how many there are.
SELECT count(*) AS photos
FROM (
    SELECT FROM photos AS photo
    INNER JOIN fluffy_sql_placements AS placement ON photo.id = placement.photo_id
    WHERE
        photo.xmin = placement.row_version
        AND placement.within_limit
        AND placement.from_cluster_id IS DISTINCT FROM placement.to_cluster_id
    ORDER BY photo.id
    FOR NO KEY UPDATE OF photo
) AS locked;
