-- The photos, the way anyone would ask for them.
-- Returns: id, embedding; one row for each photo.
SELECT
    id,
    embedding
FROM photos;
