-- The types vector and vector[], whose numbers differ from database to database. After find_library.
-- Returns: oid, array_oid; no row without pgvector.
SELECT
    oid::bigint AS oid,
    typarray::bigint AS array_oid
FROM pg_type
WHERE oid = to_regtype('vector');
