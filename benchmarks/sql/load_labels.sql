-- Takes the labels of photos.
-- Returns: nothing; it touches as many rows as it took.
COPY labels (photo_id, cluster_id) FROM STDIN (FORMAT "binary");
