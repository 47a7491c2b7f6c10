-- Forgets the files of photos that get another embedding: it is not made of them, and embed tells embeddings of its
-- model by what it knows of their files.
-- Returns: nothing; it touches as many rows as files were known.
DELETE FROM photo_files
USING photos
INNER JOIN pg_temp.photo_import AS staged ON photos.path = staged.photo_path
WHERE
    photo_files.photo_id = photos.id
    AND photos.embedding IS DISTINCT FROM staged.embedding;
