-- forget_files, if photos are distributed: the stage lies on the coordinator, and what it has of known photos is sent
-- to the shards.
-- Returns: nothing; it touches as many rows as files were known.
WITH known AS MATERIALIZED (
    SELECT photos.path
    FROM photos
    INNER JOIN (
        SELECT photo_path FROM pg_temp.photo_import
        OFFSET 0
    ) AS named ON photos.path = named.photo_path
    INNER JOIN photo_files ON photos.id = photo_files.photo_id
),

renewed AS MATERIALIZED (
    SELECT
        staged.photo_path,
        staged.embedding
    FROM pg_temp.photo_import AS staged
    INNER JOIN known ON staged.photo_path = known.path
),

changed AS MATERIALIZED (
    SELECT photos.id
    FROM photos
    INNER JOIN renewed ON photos.path = renewed.photo_path
    WHERE photos.embedding IS DISTINCT FROM renewed.embedding
)

DELETE FROM photo_files
WHERE photo_id IN (SELECT changed.id FROM changed);
