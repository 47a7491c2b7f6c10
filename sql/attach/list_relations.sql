-- Tables and views that may be attached: those that are neither the server's nor ours.
-- Returns: name (with its schema, if it is not found without); in order.
SELECT CASE WHEN pg_table_is_visible(found.oid) THEN '' ELSE place.nspname || '.' END || found.relname AS name
FROM pg_class AS found
INNER JOIN pg_namespace AS place ON found.relnamespace = place.oid
WHERE
    found.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND NOT found.relispartition
    AND place.nspname NOT IN ('pg_catalog', 'information_schema', current_setting('fluffy_sql.schema'))
    AND NOT starts_with(place.nspname, 'pg_')
ORDER BY name;
