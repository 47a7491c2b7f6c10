-- Remembers the application's tables and the columns that are used: any session finds them, and a rename is reported.
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
        SELECT jsonb_object_agg(found.attname, found.attnum)
        FROM pg_attribute AS found
        WHERE
            found.attrelid = to_regclass(used.name)
            AND found.attname = any(used.columns)
            AND NOT found.attisdropped
    ) AS columns,
    coalesce(
        (
            SELECT array_agg(found.name ORDER BY found.name)
            FROM (
                SELECT
                    '' AS name,
                    obj_description(to_regclass(used.name), 'pg_class') AS said
                UNION ALL
                SELECT
                    attribute.attname::text AS name,
                    col_description(attribute.attrelid, attribute.attnum) AS said
                FROM pg_attribute AS attribute
                WHERE attribute.attrelid = to_regclass(used.name) AND NOT attribute.attisdropped
            ) AS found
            WHERE found.said LIKE '%Made by fluffy_sql.'
        ),
        '{}'
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
