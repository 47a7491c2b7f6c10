-- Takes the rows of a file. line_number is NULL if rows have no lines.
-- Returns: nothing; it touches as many rows as it took.
COPY pg_temp.photo_import (row_number, line_number, photo_path, embedding)
FROM STDIN (FORMAT "binary");
