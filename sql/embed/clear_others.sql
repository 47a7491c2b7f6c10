-- Takes the embedding from photos that have no new one, since embeddings of two models are not comparable: their files
-- are gone.
-- Returns: nothing; it touches as many rows as embeddings were taken.
UPDATE photos
SET
    embedding = NULL,
    updated_at = now()
WHERE
    photos.embedding IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM pg_temp.photo_import AS staged
        WHERE photos.path = staged.photo_path
    );
