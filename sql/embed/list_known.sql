-- Lists photos whose file was read before, below a folder.
-- Parameters: after_id bigint (photos with larger ids), photos bigint (how many), beginning text (of their paths)
-- Returns: photo_id, path, embedded boolean, bytes, modified, hash, reason (of its file); in the order of ids.
SELECT
    photos.id::bigint AS photo_id,
    photos.path::text AS path,
    photos.embedding IS NOT NULL AS embedded,
    known.bytes,
    known.modified,
    known.hash,
    known.reason
FROM photos
INNER JOIN photo_files AS known ON photos.id = known.photo_id
WHERE photos.id > %(after_id)s::bigint AND starts_with(photos.path::text, %(beginning)s::text)
ORDER BY photos.id
LIMIT %(photos)s::bigint;
