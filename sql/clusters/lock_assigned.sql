-- Keeps the photos that were assigned as they are until the end of the transaction, waiting for whoever is changing
-- one. Photos are locked before clusters, for so does whoever moves a photo and counts afterwards.
-- Returns: one row: photos, how many there are.
SELECT count(*) AS photos
FROM (
    SELECT FROM photos AS photo
    INNER JOIN fluffy_sql_assignments AS assignment ON photo.id = assignment.photo_id
    ORDER BY photo.id
    FOR NO KEY UPDATE OF photo
) AS locked;
