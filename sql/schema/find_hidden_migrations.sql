-- Where this database was migrated, if that is in a schema that unqualified names do not reach.
-- Returns: schema; one row for each.
SELECT relnamespace::regnamespace::text AS schema
FROM pg_class
WHERE relname = 'fluffy_sql_migrations' AND relkind = 'r' AND NOT pg_table_is_visible(oid)
ORDER BY schema;
