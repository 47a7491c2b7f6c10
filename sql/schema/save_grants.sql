-- Remembers who may do what with views and functions that are about to be taken away.
-- Returns: nothing; the row count is the rights.
INSERT INTO saved_grants (kind, name, grantee, privilege, grantable)
SELECT
    held.kind,
    held.name,
    CASE WHEN held.grantee = 0 THEN 'PUBLIC' ELSE held.grantee::regrole::text END AS grantee,
    held.privilege_type AS privilege,
    bool_or(held.is_grantable) AS grantable
FROM (
    SELECT
        'TABLE' AS kind,
        quote_ident(pg_class.relname) AS name,
        acl.grantee,
        acl.privilege_type,
        acl.is_grantable,
        pg_class.relowner AS owner,
        pg_class.relnamespace AS place
    FROM pg_class
    CROSS JOIN LATERAL aclexplode(pg_class.relacl) AS acl
    WHERE pg_class.relkind = 'v'
    UNION ALL
    SELECT
        'TABLE' AS kind,
        quote_ident(pg_class.relname) AS name,
        acl.grantee,
        acl.privilege_type || ' (' || quote_ident(pg_attribute.attname) || ')' AS privilege_type,
        acl.is_grantable,
        pg_class.relowner AS owner,
        pg_class.relnamespace AS place
    FROM pg_class
    INNER JOIN pg_attribute ON pg_class.oid = pg_attribute.attrelid
    CROSS JOIN LATERAL aclexplode(pg_attribute.attacl) AS acl
    WHERE pg_class.relkind = 'v'
    UNION ALL
    SELECT
        'FUNCTION' AS kind,
        quote_ident(pg_proc.proname) || '(' || oidvectortypes(pg_proc.proargtypes) || ')' AS name,
        acl.grantee,
        acl.privilege_type,
        acl.is_grantable,
        pg_proc.proowner AS owner,
        pg_proc.pronamespace AS place
    FROM pg_proc
    CROSS JOIN LATERAL aclexplode(pg_proc.proacl) AS acl
) AS held
INNER JOIN pg_namespace ON held.place = pg_namespace.oid
WHERE pg_namespace.nspname = current_setting('fluffy_sql.schema') AND held.grantee <> held.owner
GROUP BY held.kind, held.name, held.grantee, held.privilege_type
ON CONFLICT DO NOTHING;
