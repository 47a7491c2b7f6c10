-- What the migrations made here, so that a person can be told what was adopted.
-- Returns: kind, table_name, name.
SELECT
    kind,
    table_name,
    name
FROM fluffy_sql_created_objects
ORDER BY created_at, kind, table_name, name;
