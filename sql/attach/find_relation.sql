-- The table or view that a person named, with its schema or without: as it is spelled, or quoted as SQL has it. Other
-- sessions see no temporary one.
-- Parameters: name text
-- Returns: relation oid, may_read (whether this role may read a column of it); no row if there is none.
SELECT
    found.oid AS relation,
    has_schema_privilege(place.oid, 'USAGE') AND has_any_column_privilege(found.oid, 'SELECT') AS may_read
FROM (SELECT %(name)s::text AS name) AS asked
INNER JOIN pg_class AS found ON found.relkind IN ('r', 'p', 'v', 'm', 'f') AND found.relpersistence <> 't'
INNER JOIN pg_namespace AS place ON found.relnamespace = place.oid
WHERE
    (
        asked.name IN (found.relname::text, quote_ident(found.relname))
        AND pg_table_is_visible(found.oid)
    )
    OR asked.name IN (
        place.nspname || '.' || found.relname,
        quote_ident(place.nspname) || '.' || quote_ident(found.relname),
        '"' || place.nspname || '"."' || found.relname || '"'
    )
ORDER BY
    asked.name = found.relname DESC,
    pg_table_is_visible(found.oid) DESC
LIMIT 1;
