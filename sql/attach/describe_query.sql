-- The columns of the SELECT that try_query tried, with their types; of a domain the type that it is made of. A key
-- is of a type of the server alone, so that nothing depends on an extension; bpchar, for character is one of length 1.
-- Returns: query text, name, type (as a person reads it), kind (what it can be used as: a key, an embedding, a number;
--   null: neither); in the order of columns.
SELECT
    current_setting('fluffy_sql.source_query') AS query,
    shown.attname::text AS name,
    CASE type.oid WHEN 'bpchar'::regtype THEN 'bpchar' ELSE format_type(type.oid, NULL) END AS type,
    CASE
        WHEN type.typnamespace = extension.extnamespace AND type.typname IN ('vector', 'halfvec', 'sparsevec')
            THEN 'embedding'
        WHEN type.oid IN ('real[]'::regtype, 'double precision[]'::regtype) THEN 'embedding'
        WHEN type.oid IN ('bigint'::regtype, 'integer'::regtype, 'smallint'::regtype) THEN 'number'
        WHEN type.oid IN ('uuid'::regtype, 'date'::regtype, 'bytea'::regtype) THEN 'key'
        WHEN type.typcategory = 'S' AND type.typnamespace = 'pg_catalog'::regnamespace THEN 'key'
    END AS kind
FROM pg_attribute AS shown
INNER JOIN pg_type AS declared ON shown.atttypid = declared.oid
INNER JOIN pg_type AS type ON coalesce(nullif(declared.typbasetype, 0), declared.oid) = type.oid
LEFT JOIN pg_extension AS extension ON extension.extname = 'vector'
WHERE
    shown.attrelid = to_regclass('pg_temp.fluffy_sql_source')
    AND shown.attnum > 0
    AND NOT shown.attisdropped
ORDER BY shown.attnum;
