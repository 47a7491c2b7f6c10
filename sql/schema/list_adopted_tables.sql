-- The application's tables that migrate did not make: those that it made say so in their comments.
-- Returns: name; photos first.
SELECT used.name
FROM unnest(ARRAY['photos', 'clusters']) AS used (name)
WHERE
    to_regclass(used.name) IS NOT NULL
    AND coalesce(obj_description(to_regclass(used.name), 'pg_class') NOT LIKE '%Made by fluffy_sql.', TRUE)
ORDER BY used.name DESC;
