-- Makes a temporary view of the SELECT of a source, for the caller to roll back: the server then knows its columns, and
-- writes it with every name qualified. In a subquery, so that it is one SELECT and nothing else; it begins on the
-- second line, which tells in which of its own lines an error is.
-- Returns: nothing; fluffy_sql.source_query is that text, and fluffy_sql.source_columns has the types by columns.
DO $$
DECLARE
    path text := current_setting('search_path');
BEGIN
    EXECUTE format(
        E'CREATE TEMPORARY VIEW fluffy_sql_source AS SELECT * FROM (\n%s\n) AS source',
        current_setting('fluffy_sql.source_query')
    );
    PERFORM
        set_config('search_path', '', TRUE),
        set_config(
            'fluffy_sql.source_columns',
            (
                SELECT json_object_agg(attname, atttypid ORDER BY attnum)::text
                FROM pg_attribute
                WHERE attrelid = 'pg_temp.fluffy_sql_source'::regclass AND attnum > 0
            ),
            TRUE
        );
    PERFORM set_config(
        'fluffy_sql.source_query', rtrim(pg_get_viewdef('pg_temp.fluffy_sql_source'::regclass), ';'), TRUE
    );
    PERFORM set_config('search_path', path, TRUE);
END
$$;
