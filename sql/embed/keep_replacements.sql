-- Keeps staged photos until all have a new embedding.
-- Returns: nothing; it touches as many rows as photos are staged.
INSERT INTO photo_replacements (
    path, embedding, bytes, modified, hash, width, height, taken_at, latitude, longitude, reason
)
SELECT
    photo_path,
    embedding,
    bytes,
    modified,
    hash,
    width,
    height,
    taken_at,
    latitude,
    longitude,
    reason
FROM pg_temp.photo_import
ON CONFLICT (path) DO UPDATE SET
    embedding = excluded.embedding,
    bytes = excluded.bytes,
    modified = excluded.modified,
    hash = excluded.hash,
    width = excluded.width,
    height = excluded.height,
    taken_at = excluded.taken_at,
    latitude = excluded.latitude,
    longitude = excluded.longitude,
    reason = excluded.reason;
