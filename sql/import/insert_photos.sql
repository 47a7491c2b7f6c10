-- Adds the photos whose path is new, in the order of the file.
-- Not ON CONFLICT: a table made elsewhere may lack the unique index on path. Both times are given
-- because there they may lack a default.
-- Returns: nothing; it touches as many rows as photos were added.
INSERT INTO photos (path, embedding, created_at, updated_at)
SELECT
    staged.photo_path,
    staged.embedding,
    now() AS created_at,
    now() AS updated_at
FROM pg_temp.photo_import AS staged
WHERE
    NOT EXISTS (
        SELECT FROM photos
        WHERE photos.path = staged.photo_path
    )
ORDER BY staged.row_number;
