-- Functions of ours whose bodies are bound to tables become PL/pgSQL: Citus would take them for parts of the tables,
-- find itself in a circle, and refuse the next ALTER TABLE or server; and it would not run them. Their names are
-- written with the schemas that they were bound to.
-- Returns: nothing.
DO $$
DECLARE
    home CONSTANT text := current_setting('search_path');
    ours CONSTANT oid := quote_ident(current_setting('fluffy_sql.schema'))::regnamespace;
    changed record;
BEGIN
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', TRUE);
    FOR changed IN
        SELECT
            bound.signature,
            bound.returns_rows,
            split_part(bound.definition, E'\nBEGIN ATOMIC\n', 1) AS head,
            substring(bound.definition FROM '\nBEGIN ATOMIC\n(.*);\nEND\n*$') AS query
        FROM (
            SELECT
                oid::regprocedure AS signature,
                proretset AS returns_rows,
                pg_get_functiondef(oid) AS definition
            FROM pg_proc
            WHERE prosqlbody IS NOT NULL AND pronamespace = ours
        ) AS bound
    LOOP
        CONTINUE WHEN changed.query IS NULL;
        EXECUTE
            replace(changed.head, E'\n LANGUAGE sql', E'\n LANGUAGE plpgsql')
            || ' SET search_path = pg_catalog, pg_temp AS '
            || quote_literal(
                E'#variable_conflict use_column\nBEGIN\n' || CASE
                    WHEN changed.returns_rows THEN 'RETURN QUERY ' || changed.query || ';'
                    ELSE 'RETURN (' || changed.query || ');'
                END || E'\nEND'
            );
        -- here it is already; but other servers have it from now on
        EXECUTE 'REVOKE ALL ON FUNCTION ' || changed.signature || ' FROM PUBLIC';
    END LOOP;
    PERFORM set_config('search_path', home, TRUE);
END
$$;
