-- Takes from everyone but the owner what the server grants by default on what was just made: by ALTER DEFAULT
-- PRIVILEGES, or to PUBLIC. What somebody granted on older objects stays. Views look with the rights of who asks,
-- if the server can do that (from version 15 on): also a usable_photos that somebody replaced, which takes that option
-- away, unless it says otherwise (security_invoker = false).
-- Returns: nothing.
DO $$
DECLARE
    ours text := current_setting('fluffy_sql.schema');
    known oid[] := current_setting('fluffy_sql.known_objects')::oid[];
    made record;
BEGIN
    FOR made IN
        SELECT
            'SCHEMA ' || quote_ident(nspname) AS object,
            nspacl AS acl,
            nspowner AS owner
        FROM pg_namespace
        WHERE nspname = ours AND oid <> ALL (known)
        UNION ALL
        SELECT
            CASE pg_class.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || pg_class.oid::regclass AS object,
            pg_class.relacl AS acl,
            pg_class.relowner AS owner
        FROM pg_class
        INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
        WHERE
            pg_class.relkind IN ('r', 'v', 'S')
            AND pg_class.oid <> ALL (known)
            AND (
                pg_namespace.nspname = ours
                OR pg_class.oid IN ('photos'::regclass, 'clusters'::regclass)
                OR EXISTS (
                    SELECT FROM pg_depend
                    WHERE objid = pg_class.oid AND refobjid IN ('photos'::regclass, 'clusters'::regclass)
                        AND refobjid <> ALL (known) AND classid = 'pg_class'::regclass AND deptype = 'i'
                )
            )
        UNION ALL
        SELECT
            'FUNCTION ' || pg_proc.oid::regprocedure AS object,
            coalesce(pg_proc.proacl, acldefault('f', pg_proc.proowner)) AS acl,
            pg_proc.proowner AS owner
        FROM pg_proc
        INNER JOIN pg_namespace ON pg_proc.pronamespace = pg_namespace.oid
        WHERE pg_namespace.nspname = ours AND pg_proc.oid <> ALL (known)
    LOOP
        EXECUTE coalesce(
            (
                SELECT string_agg(
                    format(
                        'REVOKE ALL ON %s FROM %s CASCADE',
                        made.object,
                        CASE WHEN held.grantee = 0 THEN 'PUBLIC' ELSE held.grantee::regrole::text END
                    ),
                    '; '
                )
                FROM (SELECT DISTINCT grantee FROM aclexplode(made.acl)) AS held
                WHERE held.grantee <> made.owner
            ),
            'SELECT'
        );
    END LOOP;
    IF current_setting('server_version_num')::integer >= 150000 THEN
        FOR made IN
            SELECT pg_class.oid::regclass AS view
            FROM pg_class INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
            WHERE
                pg_namespace.nspname = ours
                AND pg_class.relkind = 'v'
                AND NOT EXISTS (
                    SELECT FROM pg_options_to_table(pg_class.reloptions) AS said
                    WHERE said.option_name = 'security_invoker'
                        AND (said.option_value::boolean OR pg_class.relname = 'usable_photos')
                )
        LOOP
            EXECUTE format('ALTER VIEW %s SET (security_invoker = true)', made.view);
        END LOOP;
    END IF;
END
$$;
