-- Shuts the library to a role of an API that serves a whole schema, such as anon and authenticated of Supabase or
-- PostgREST: takes away what it, or everyone, has of clusters and of all in the library's schema. Nothing is taken away from
-- photos. Apply it as the owner of the library, once for each such role; grant afterwards what it may see.
--
--   fluffy-sql psql -v role=NAME -f docs/grants/api.sql

\set ON_ERROR_STOP on
SELECT current_setting('fluffy_sql.schema') AS library \gset

BEGIN;

REVOKE ALL ON SCHEMA :"library" FROM PUBLIC, :"role";
REVOKE ALL ON ALL TABLES IN SCHEMA :"library" FROM PUBLIC, :"role";
REVOKE ALL ON ALL SEQUENCES IN SCHEMA :"library" FROM PUBLIC, :"role";
REVOKE ALL ON ALL ROUTINES IN SCHEMA :"library" FROM PUBLIC, :"role";
REVOKE ALL ON clusters FROM PUBLIC, :"role";

-- columns have rights of their own
SELECT format('REVOKE ALL (%s) ON %s FROM PUBLIC, %I', string_agg(quote_ident(attname), ', '), attrelid::regclass, :'role')
FROM pg_attribute
INNER JOIN pg_class ON attrelid = pg_class.oid
WHERE attacl IS NOT NULL AND (attrelid = 'clusters'::regclass OR relnamespace = :'library'::regnamespace)
GROUP BY attrelid
\gexec

SELECT format('REVOKE ALL ON SEQUENCE %s FROM PUBLIC, %I', pg_get_serial_sequence('clusters', 'id'), :'role')
WHERE pg_get_serial_sequence('clusters', 'id') IS NOT NULL
\gexec

COMMIT;

-- what it may do as a member of another role
SELECT has_schema_privilege(:'role', :'library', 'USAGE') OR has_any_column_privilege(:'role', 'clusters', 'SELECT') AS reaches
\gset
\if :reaches
\warn 'this role reaches the library all the same: it is a superuser, owns it, or is a member of a role that may'
\endif
-- and whether PostgREST was told to serve the schema
SELECT count(*) > 0 AS served
FROM pg_db_role_setting
CROSS JOIN unnest(setconfig) AS setting
WHERE
    starts_with(setting, 'pgrst.db_schemas=')
    AND :'library' = ANY (regexp_split_to_array(substr(setting, 18), '[ ,]+'))
\gset
\if :served
\warn 'pgrst.db_schemas serves the schema of the library: take it out there'
\endif
