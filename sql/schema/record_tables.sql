-- Remembers the application's tables and the columns that are used, so that any session finds them and a rename is told.
-- Returns: nothing; the row count is the tables.
INSERT INTO application_tables (name, relation, place, columns, made)
SELECT
    used.name,
    to_regclass(used.name) AS relation,
    (
        SELECT pg_namespace.nspname
        FROM pg_class INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
        WHERE pg_class.oid = to_regclass(used.name)
    ) AS place,
    (
        SELECT jsonb_object_agg(attname, attnum)
        FROM pg_attribute
        WHERE attrelid = to_regclass(used.name) AND attname = any(used.columns) AND NOT attisdropped
    ) AS columns,
    ARRAY(
        SELECT ''::text AS name
        WHERE obj_description(to_regclass(used.name), 'pg_class') LIKE '%Made by fluffy_sql.'
        UNION ALL
        SELECT attname::text AS name
        FROM pg_attribute
        WHERE
            attrelid = to_regclass(used.name)
            AND NOT attisdropped
            AND col_description(attrelid, attnum) LIKE '%Made by fluffy_sql.'
        ORDER BY name
    ) AS made
FROM (
    VALUES
    ('photos', ARRAY['id', 'path', 'embedding', 'cluster_id', 'cluster_pinned', 'created_at', 'updated_at']),
    (
        'clusters',
        ARRAY['id', 'name', 'status', 'photos_count', 'centroid', 'run_id', 'created_at', 'updated_at']
    )
) AS used (name, columns)
ON CONFLICT (name) DO UPDATE
    SET
        relation = excluded.relation,
        place = excluded.place,
        columns = excluded.columns,
        made = excluded.made;
