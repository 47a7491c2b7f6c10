-- Finds which of some paths have a new embedding, or a reason why not.
-- Parameters: paths text[]
-- Returns: photo_id (null), path, embedded boolean, bytes, modified, hash, reason (of the file it was made of).
SELECT
    NULL::bigint AS photo_id,
    path,
    embedding IS NOT NULL AS embedded,
    bytes,
    modified,
    hash,
    reason
FROM photo_replacements
WHERE path = ANY(%(paths)s::text[]);
