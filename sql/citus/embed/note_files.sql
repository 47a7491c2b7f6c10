-- note_files, if photos are distributed: the ids of the paths come from the shards, and rows go to the shards of these.
-- Returns: nothing; it touches as many rows as photos were staged.
WITH known AS MATERIALIZED (
    SELECT
        photos.id,
        photos.path
    FROM photos
    INNER JOIN (
        SELECT photo_path FROM pg_temp.photo_import
        OFFSET 0
    ) AS named ON photos.path = named.photo_path
)

INSERT INTO photo_files (photo_id, bytes, modified, hash, width, height, taken_at, latitude, longitude, reason)
SELECT
    known.id,
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
INNER JOIN known ON staged.photo_path = known.path
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
