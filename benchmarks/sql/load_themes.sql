-- Takes what photos are of.
-- Returns: nothing; it touches as many rows as it took.
COPY themes (photo_id, theme) FROM STDIN (FORMAT "binary");
