-- insert_photos, if photos are distributed: paths are sent to the shards, those they know come back, and
-- the rest of the stage goes to the shards of its new ids.
-- Returns: nothing; it touches as many rows as photos were added.
WITH known AS MATERIALIZED (
    SELECT photos.path
    FROM photos
    INNER JOIN (
        SELECT photo_path FROM pg_temp.photo_import
        OFFSET 0
    ) AS named ON photos.path = named.photo_path
)

INSERT INTO photos (path, embedding, created_at, updated_at)
SELECT
    staged.photo_path,
    staged.embedding,
    now() AS created_at,
    now() AS updated_at
FROM pg_temp.photo_import AS staged
WHERE
    NOT EXISTS (
        SELECT FROM known
        WHERE known.path = staged.photo_path
    )
ORDER BY staged.row_number;
