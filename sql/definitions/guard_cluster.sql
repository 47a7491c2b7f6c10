-- As guard_photos, for a cluster whose scope changes.
DO $do$
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION guard_cluster() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $function$
        DECLARE
            wrong record;
        BEGIN
            -- by itself: an expression with names that are not there is refused whole
            IF to_regprocedure('%1$s.library_is_whole()') IS NULL THEN
                RETURN NULL;
            END IF;
            IF NOT %1$s.library_is_whole() THEN
                RETURN NULL;
            END IF;
            PERFORM FROM %2$s AS cluster WHERE cluster.id = NEW.id FOR UPDATE;
            SELECT usable.id, usable.scope, cluster.scope AS cluster_scope INTO wrong
            FROM %1$s.usable_photos AS usable
            INNER JOIN %1$s.scoped_clusters AS cluster ON usable.cluster_id = cluster.id
            WHERE cluster.id = NEW.id AND usable.scope IS DISTINCT FROM cluster.scope
            LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'cluster %% can not be of %%: it holds photo %%, which is of %%',
                    NEW.id,
                    coalesce('scope ' || coalesce(
                        (SELECT known.owner FROM %1$s.source_owners AS known WHERE known.scope = wrong.cluster_scope), wrong.cluster_scope::text
                    ), 'no scope'),
                    wrong.id,
                    coalesce('scope ' || coalesce(
                        (SELECT known.owner FROM %1$s.source_owners AS known WHERE known.scope = wrong.scope), wrong.scope::text
                    ), 'no scope')
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END
        $function$
    $create$, quote_ident(current_setting('fluffy_sql.schema')), application_table('clusters'));
END
$do$;

COMMENT ON FUNCTION guard_cluster() IS
'Refuses another scope for a cluster that has photos; called by the trigger fluffy_sql_guard_cluster.';
