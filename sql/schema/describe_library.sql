-- What there is of a library in the schema that is configured. Of catalogs alone, so that any role may ask.
-- Returns: there (whether the schema exists), reachable (whether this role may use it), owner (the role it belongs to),
--   owned (whether this role may do what that one may), migrated (whether it has the list of migrations), others
--   (schemas that hold a library, if this one does not).
SELECT
    place.oid IS NOT NULL AS there,
    coalesce(has_schema_privilege(place.oid, 'USAGE'), FALSE) AS reachable,
    place.nspowner::regrole::text AS owner,
    coalesce(pg_has_role(place.nspowner, 'USAGE'), FALSE) AS owned,
    EXISTS (
        SELECT FROM pg_class
        WHERE relnamespace = place.oid AND relname = 'migrations'
    ) AS migrated,
    (
        SELECT array_agg(pg_namespace.nspname::text ORDER BY pg_namespace.nspname)
        FROM pg_class
        INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
        WHERE pg_class.relname = 'application_tables' AND pg_class.relkind = 'r'
    ) AS others
FROM (SELECT current_setting('fluffy_sql.schema') AS name) AS configured
LEFT JOIN pg_namespace AS place ON configured.name = place.nspname;
