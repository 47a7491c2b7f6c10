-- What the statements need, and was dropped since it was migrated. A type, a view and a column go with DROP EXTENSION
-- vector CASCADE, say, and migrating again would not bring them back.
-- Returns: name, in order; no row where nothing is lost.
SELECT needed.name
FROM
    unnest(ARRAY['photos', 'clusters', 'cluster_runs', 'cluster_run_steps', 'usable_photos', 'cluster_members'])
        AS needed (name)
WHERE to_regclass(needed.name) IS NULL
UNION ALL
SELECT needed.table_name || '.' || needed.name AS name
FROM
    (VALUES ('photos', 'path'), ('photos', 'embedding'), ('photos', 'cluster_id'), ('clusters', 'centroid'))
        AS needed (table_name, name)
WHERE
    to_regclass(needed.table_name) IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM pg_attribute AS found
        WHERE
            found.attrelid = to_regclass(needed.table_name)
            AND found.attname = needed.name
            AND NOT found.attisdropped
    )
ORDER BY name;
