-- Notes the SELECT of a source for the statements after it, in this transaction.
-- Parameters: query text
-- Returns: noted; one row.
SELECT set_config('fluffy_sql.source_query', %(query)s::text, TRUE) AS noted;
