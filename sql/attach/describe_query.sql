-- The columns that try_query or try_source found, with their types; of a domain the type that it is made of. A key is
-- of a type of the server alone, so that nothing depends on an extension; bpchar, for character is one of length 1.
-- Returns: query text (null after try_source), columns text (as they were noted), name, type (as a person reads it),
--   kind (what it can be used as: a key, an embedding, a number; null: neither); in the order of columns.
WITH RECURSIVE made_of AS (
    SELECT
        shown.place,
        shown.name,
        shown.type::oid AS type
    FROM
        json_each_text(current_setting('fluffy_sql.source_columns')::json)
        WITH ORDINALITY AS shown (name, type, place)
    UNION ALL
    SELECT
        made_of.place,
        made_of.name,
        pg_type.typbasetype AS type
    FROM made_of
    INNER JOIN pg_type ON made_of.type = pg_type.oid
    WHERE pg_type.typbasetype <> 0
)

SELECT
    nullif(current_setting('fluffy_sql.source_query', TRUE), '') AS query,
    current_setting('fluffy_sql.source_columns') AS columns,
    made_of.name,
    CASE
        WHEN type.oid = 'bpchar'::regtype THEN 'bpchar'
        WHEN type.typnamespace = extension.extnamespace THEN type.typname
        ELSE format_type(type.oid, NULL)
    END AS type,
    CASE
        WHEN type.typnamespace = extension.extnamespace AND type.typname IN ('vector', 'halfvec', 'sparsevec')
            THEN 'embedding'
        WHEN type.oid IN ('real[]'::regtype, 'double precision[]'::regtype) THEN 'embedding'
        WHEN type.oid IN ('bigint'::regtype, 'integer'::regtype, 'smallint'::regtype) THEN 'number'
        WHEN type.oid IN ('uuid'::regtype, 'date'::regtype, 'bytea'::regtype) THEN 'key'
        WHEN type.typcategory = 'S' AND type.typnamespace = 'pg_catalog'::regnamespace THEN 'key'
    END AS kind
FROM made_of
INNER JOIN pg_type AS type ON made_of.type = type.oid
LEFT JOIN pg_extension AS extension ON extension.extname = 'vector'
WHERE type.typbasetype = 0
ORDER BY made_of.place;
