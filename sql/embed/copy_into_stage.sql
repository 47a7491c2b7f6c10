-- Takes photos that were looked at, for import/insert_photos, import/update_photos and note_files.
-- Returns: nothing; it touches as many rows as it took.
COPY pg_temp.photo_import (
    row_number, photo_path, embedding, bytes, modified, hash, width, height, taken_at, latitude, longitude, reason
)
FROM STDIN (FORMAT "binary");
