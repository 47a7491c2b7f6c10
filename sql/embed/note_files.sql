-- Writes down what was seen of the files of staged photos, which are in photos by now.
-- Returns: nothing; it touches as many rows as photos were staged.
INSERT INTO photo_files (photo_id, bytes, modified, hash, width, height, taken_at, latitude, longitude, reason)
SELECT
    photos.id,
    staged.bytes,
    staged.modified,
    staged.hash,
    staged.width,
    staged.height,
    staged.taken_at,
    staged.latitude,
    staged.longitude,
    staged.reason
FROM pg_temp.photo_import AS staged
INNER JOIN photos ON staged.photo_path = photos.path
ON CONFLICT (photo_id) DO UPDATE SET
    bytes = excluded.bytes,
    modified = excluded.modified,
    hash = excluded.hash,
    width = excluded.width,
    height = excluded.height,
    taken_at = excluded.taken_at,
    latitude = excluded.latitude,
    longitude = excluded.longitude,
    reason = excluded.reason;
