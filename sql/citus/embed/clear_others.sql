-- clear_others, if photos are distributed: the stage lies on the coordinator, and its paths are sent to the shards.
-- Returns: nothing; it touches as many rows as embeddings were taken.
WITH staged AS MATERIALIZED (
    SELECT photo_path FROM pg_temp.photo_import
)

UPDATE photos
SET
    embedding = NULL,
    updated_at = now()
WHERE
    photos.embedding IS NOT NULL
    AND photos.path NOT IN (SELECT staged.photo_path FROM staged);
