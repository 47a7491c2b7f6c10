-- Makes a temporary view of the SELECT of a source, for the caller to roll back: the server then knows its columns, and
-- writes it with every name qualified. In a subquery, so that it is one SELECT and nothing else.
-- Returns: nothing; fluffy_sql.source_query is that text.
DO $$
DECLARE
    path text := current_setting('search_path');
BEGIN
    EXECUTE format(
        E'CREATE TEMPORARY VIEW fluffy_sql_source AS SELECT * FROM (\n%s\n) AS source',
        rtrim(current_setting('fluffy_sql.source_query'), E'; \n\r\t')
    );
    PERFORM set_config('search_path', '', TRUE);
    PERFORM set_config(
        'fluffy_sql.source_query', rtrim(pg_get_viewdef('pg_temp.fluffy_sql_source'::regclass), ';'), TRUE
    );
    PERFORM set_config('search_path', path, TRUE);
END
$$;
