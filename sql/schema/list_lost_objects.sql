-- What the statements need, and was dropped, renamed or replaced since it was migrated, or this role does not reach.
-- Returns: name, renamed_to (null: it is gone), replaced (whether another one of that name is there now), hidden_in
--   (the schema that it is in, if this role may not use that); in order.
WITH known AS (
    SELECT
        table_known.name,
        table_known.columns,
        of_table.oid,
        of_table.relname::text AS name_now,
        CASE WHEN NOT has_schema_privilege(place.oid, 'USAGE') THEN quote_ident(place.nspname) END AS hidden_in,
        to_regclass(table_known.name) AS found
    FROM application_tables AS table_known
    LEFT JOIN pg_class AS of_table ON table_known.relation = of_table.oid
    LEFT JOIN pg_namespace AS place ON of_table.relnamespace = place.oid
)

SELECT
    known.name,
    CASE WHEN known.name_now <> known.name THEN known.name_now END AS renamed_to,
    known.found IS NOT NULL AS replaced,
    known.hidden_in
FROM known
WHERE known.oid IS NULL OR known.name_now <> known.name OR known.found IS DISTINCT FROM known.oid
UNION ALL
SELECT
    known.name || '.' || used.name AS name,
    (
        SELECT renamed.attname::text
        FROM pg_attribute AS renamed
        WHERE
            renamed.attrelid = known.oid
            AND renamed.attnum = used.number::smallint
            AND renamed.attname <> used.name
            AND NOT renamed.attisdropped
    ) AS renamed_to,
    FALSE AS replaced,
    NULL AS hidden_in
FROM known
CROSS JOIN LATERAL jsonb_each_text(known.columns) AS used (name, number)
WHERE
    known.oid IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM pg_attribute AS found
        WHERE found.attrelid = known.oid AND found.attname = used.name AND NOT found.attisdropped
    )
UNION ALL
SELECT
    'the extension vector' AS name,
    NULL AS renamed_to,
    FALSE AS replaced,
    quote_ident(place.nspname) AS hidden_in
FROM pg_extension AS extension
INNER JOIN pg_namespace AS place ON extension.extnamespace = place.oid
WHERE extension.extname = 'vector' AND NOT has_schema_privilege(place.oid, 'USAGE')
UNION ALL
SELECT
    needed.name,
    NULL AS renamed_to,
    FALSE AS replaced,
    NULL AS hidden_in
FROM
    unnest(
        ARRAY[
            'cluster_runs', 'cluster_run_steps', 'cluster_run_checkpoints', 'cluster_quality', 'cluster_run_moves',
            'cluster_run_photo_moves', 'cluster_run_clusters', 'cluster_levels', 'photo_count_changes',
            'photo_duplicates', 'photo_neighbour_lists', 'retired_clusters', 'photo_files', 'photo_replacements',
            'embedding_models', 'attached_source', 'source_keys', 'source_owners'
        ]
    ) AS needed (name)
WHERE
    NOT EXISTS (
        SELECT FROM pg_class
        INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
        WHERE pg_namespace.nspname = current_setting('fluffy_sql.schema') AND pg_class.relname = needed.name
    )
ORDER BY name;
