-- Whether the library holds any photo, usable or not.
-- Returns: one boolean.
SELECT EXISTS (SELECT FROM photos) AS has_photos;
