-- update_photos, if photos are distributed: the stage lies on the coordinator, and what it has of known
-- photos is sent to the shards.
-- Returns: nothing; it touches as many rows as photos were updated.
WITH known AS MATERIALIZED (
    SELECT photos.path
    FROM photos
    INNER JOIN (
        SELECT photo_path FROM pg_temp.photo_import
        OFFSET 0
    ) AS named ON photos.path = named.photo_path
),

renewed AS MATERIALIZED (
    SELECT
        staged.photo_path,
        staged.embedding
    FROM pg_temp.photo_import AS staged
    INNER JOIN known ON staged.photo_path = known.path
)

UPDATE photos
SET
    embedding = renewed.embedding,
    updated_at = now()
FROM renewed
WHERE
    photos.path = renewed.photo_path
    AND photos.embedding IS DISTINCT FROM renewed.embedding;
