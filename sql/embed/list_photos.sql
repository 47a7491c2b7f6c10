-- Lists photos that may have to be embedded, and what is known of their files: those without an embedding, and those
-- whose file is known and may have changed; or all.
-- Parameters: after_id bigint (photos with larger ids), photos bigint (how many), of_all boolean
-- Returns: photo_id, path, embedded boolean, bytes, modified, hash, reason (of its file; null if that is not known); in
--   the order of ids.
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
WHERE
    photos.id > %(after_id)s::bigint
    AND (photos.embedding IS NULL OR known.photo_id IS NOT NULL OR %(of_all)s::boolean)
ORDER BY photos.id
LIMIT %(photos)s::bigint;
