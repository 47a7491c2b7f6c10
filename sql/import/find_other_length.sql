-- Finds out whether usable photos have embeddings of another length; a look at a thousand, so that adding a few photos
-- to millions stays cheap.
-- Parameters: dimensions integer
-- Returns: dimensions (such a length); one row, or none.
SELECT looked_at.dimensions
FROM (
    SELECT vector_dims(embedding) AS dimensions
    FROM usable_photos
    WHERE embedding IS NOT NULL
    LIMIT 1000
) AS looked_at
WHERE looked_at.dimensions <> %(dimensions)s::integer
LIMIT 1;
