-- Finds what is known of the photos of some paths. A table made elsewhere may have several of one path.
-- Parameters: paths text[]
-- Returns: photo_id, path, embedded boolean, bytes, modified, hash, reason (of its file; null if that is not known).
SELECT
    photos.id::bigint AS photo_id,
    photos.path::text AS path,
    photos.embedding IS NOT NULL AS embedded,
    known.bytes,
    known.modified,
    known.hash,
    known.reason
FROM photos
LEFT JOIN photo_files AS known ON photos.id = known.photo_id
WHERE photos.path = ANY(%(paths)s::text[]);
