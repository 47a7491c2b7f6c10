-- Stages all new embeddings, for the transaction that writes them.
-- Returns: nothing; it touches as many rows as there are new embeddings.
INSERT INTO pg_temp.photo_import (
    row_number, photo_path, embedding, bytes, modified, hash, width, height, taken_at, latitude, longitude, reason
)
SELECT
    row_number() OVER (ORDER BY path COLLATE "C") AS row_number,
    path AS photo_path,
    embedding,
    bytes,
    modified,
    hash,
    width,
    height,
    taken_at,
    latitude,
    longitude,
    reason
FROM photo_replacements;
