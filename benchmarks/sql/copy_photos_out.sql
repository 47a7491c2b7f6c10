-- The photos, the fastest way out of Postgres.
-- Returns: id, embedding; one row for each photo, in COPY's binary format.
COPY (
    SELECT
        id,
        embedding
    FROM photos
) TO STDOUT (FORMAT "binary");
