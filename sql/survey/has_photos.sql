-- Whether the library holds any photo, usable or not.
-- Returns: has_photos boolean.
SELECT count(*) > 0 AS has_photos
FROM (
    SELECT FROM photos
    LIMIT 1
) AS first;
