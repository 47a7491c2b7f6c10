-- What there is of a library in the schema that is configured. Of catalogs alone, so that any role may ask.
-- Returns: there (whether the schema exists), reachable (whether this role may use it), owner (the role it belongs to),
--   owned (whether this role may do what that one may), recorded (whether the tables are there that say what was
--   migrated), others (schemas that hold a library, if this one does not).
SELECT
    place.oid IS NOT NULL AS there,
    coalesce(has_schema_privilege(place.oid, 'USAGE'), FALSE) AS reachable,
    place.nspowner::regrole::text AS owner,
    coalesce(pg_has_role(place.nspowner, 'USAGE'), FALSE) AS owned,
    (
        SELECT count(*) = 5
        FROM pg_class
        WHERE
            pg_class.relnamespace = place.oid
            AND pg_class.relname IN (
                'migrations', 'migrations_log', 'migrations_version', 'definitions', 'application_tables'
            )
    ) AS recorded,
    (
        SELECT array_agg(pg_namespace.nspname::text ORDER BY pg_namespace.nspname)
        FROM pg_attribute
        INNER JOIN pg_class ON pg_attribute.attrelid = pg_class.oid
        INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
        WHERE
            pg_class.relname = 'application_tables'
            AND pg_attribute.attname = 'relation'
            AND pg_attribute.atttypid = 'regclass'::regtype
    ) AS others
FROM (SELECT current_setting('fluffy_sql.schema') AS name) AS configured
LEFT JOIN pg_namespace AS place ON configured.name = place.nspname;
