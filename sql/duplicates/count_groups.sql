-- Returns: groups, photos (in them); one row.
SELECT
    count(DISTINCT group_id) AS groups,
    count(*) AS photos
FROM photo_duplicates;
