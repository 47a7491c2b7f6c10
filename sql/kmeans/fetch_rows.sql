-- The first rows of the sample, for seeding.
-- Parameters: rows bigint
-- Returns: embedding, in order of position.
SELECT embedding
FROM fluffy_sql_sample
WHERE position <= %(rows)s::bigint
ORDER BY position;
