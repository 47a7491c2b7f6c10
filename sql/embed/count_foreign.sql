-- Counts embeddings that embed did not make: they were imported, or are an application's.
-- Returns: photos bigint.
SELECT count(*) AS photos
FROM photos
LEFT JOIN photo_files AS known ON photos.id = known.photo_id
WHERE photos.embedding IS NOT NULL AND (known.photo_id IS NULL OR known.reason IS NOT NULL);
