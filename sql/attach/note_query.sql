-- Notes the SELECT of a source for the statements after it, in this transaction.
-- Parameters: query text, columns text (their types, as try_query found them; empty before it)
-- Returns: noted, columns; one row.
SELECT
    set_config('fluffy_sql.source_query', %(query)s::text, TRUE) AS noted,
    set_config('fluffy_sql.source_columns', %(columns)s::text, TRUE) AS columns;
