-- The columns of a table.
-- Parameters: relation oid
-- Returns: name; in their order.
SELECT attname::text AS name
FROM pg_attribute
WHERE attrelid = %(relation)s::oid AND attnum > 0 AND NOT attisdropped
ORDER BY attnum;
