-- The columns of a table and, last, the version that Postgres keeps of its rows, if it keeps any.
-- Parameters: relation oid
-- Returns: name; in their order.
SELECT of_table.attname::text AS name
FROM pg_attribute AS of_table
INNER JOIN pg_class AS found ON of_table.attrelid = found.oid
WHERE
    found.oid = %(relation)s::oid
    AND (of_table.attnum > 0 OR (of_table.attname = 'xmin' AND found.relkind IN ('r', 'm', 'p')))
    AND NOT of_table.attisdropped
ORDER BY of_table.attnum < 0, of_table.attnum;
