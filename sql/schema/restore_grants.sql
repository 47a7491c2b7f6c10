-- Grants again what was granted before views and functions were taken away; roles, objects and columns that are gone
-- are passed over.
-- Returns: nothing.
DO $$
DECLARE
    ours text := current_setting('fluffy_sql.schema');
    saved record;
    object text;
BEGIN
    FOR saved IN SELECT * FROM saved_grants LOOP
        object := format('%I.%s', ours, saved.name);
        CONTINUE WHEN saved.grantee <> 'PUBLIC' AND to_regrole(saved.grantee) IS NULL;
        CONTINUE WHEN (saved.kind = 'TABLE' AND to_regclass(object) IS NULL)
            OR (saved.kind = 'FUNCTION' AND to_regprocedure(object) IS NULL);
        BEGIN
            EXECUTE format('GRANT %s ON %s %s TO %s', saved.privilege, saved.kind, object, saved.grantee)
                || CASE WHEN saved.grantable THEN ' WITH GRANT OPTION' ELSE '' END;
        EXCEPTION WHEN undefined_column THEN
            CONTINUE;
        END;
    END LOOP;
    DELETE FROM saved_grants;
END
$$;
