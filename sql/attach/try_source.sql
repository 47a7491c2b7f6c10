-- Looks up what an attached library reads, and reads no row of it. It fails if something of that is gone, or may not be
-- read.
-- Returns: nothing; fluffy_sql.source_columns has the types by columns.
DO $$
DECLARE
    source record;
    types text;
BEGIN
    SELECT query, columns INTO STRICT source FROM attached_source;
    EXECUTE format(
        'SELECT json_build_object(%s) FROM (SELECT) AS one LEFT JOIN (%s) AS source ON FALSE',
        (
            SELECT string_agg(format('%1$L, pg_typeof(source.%1$s)::oid', name), ', ')
            FROM unnest(source.columns) AS listed (name)
        ),
        source.query
    ) INTO types;
    PERFORM set_config('fluffy_sql.source_columns', types, TRUE);
END
$$;
