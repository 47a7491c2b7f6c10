-- Takes made photos.
-- Returns: nothing; it touches as many rows as it took.
COPY photos (id, path, embedding) FROM STDIN (FORMAT "binary");
