-- For definitions that name tables together with their schemas.
CREATE OR REPLACE FUNCTION application_table(name text)
RETURNS text
LANGUAGE sql STABLE
SET search_path FROM CURRENT
AS $$
    SELECT format('%I.%I', pg_namespace.nspname, pg_class.relname) AS qualified
    FROM pg_class
    INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
    WHERE pg_class.oid = to_regclass($1)
$$;

COMMENT ON FUNCTION application_table(text) IS
'The name of a table with its schema, quoted where it has to be. Example: SELECT application_table(''photos'');';
