-- Gives photos that the file names their new embedding; rows that hold it already are not written.
-- Returns: nothing; it touches as many rows as photos were updated.
UPDATE photos
SET
    embedding = staged.embedding,
    updated_at = now()
FROM pg_temp.photo_import AS staged
WHERE
    photos.path = staged.photo_path
    AND photos.embedding IS DISTINCT FROM staged.embedding;
