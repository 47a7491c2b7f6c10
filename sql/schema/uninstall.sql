-- Drops what migrate made, after drop_definitions: of the application's tables what says so in its comment, and then
-- the schema. Refused by Postgres if something of somebody else's uses one of them, or lies in the schema.
-- Returns: nothing.
DO $$
DECLARE
    ours text := current_setting('fluffy_sql.schema');
    made record;
    wanted text;
BEGIN
    -- of our own table, the key goes with it: a dump may have lost its comment
    FOR made IN
        SELECT
            conrelid::regclass AS relation,
            conname
        FROM pg_constraint
        WHERE
            contype = 'f'
            AND conname = 'photos_cluster_id_fkey'
            AND conrelid = to_regclass('photos')
            AND confrelid = to_regclass('clusters')
            AND obj_description(confrelid, 'pg_class') LIKE '%Made by fluffy_sql.'
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', made.relation, made.conname);
    END LOOP;
    FOR made IN
        SELECT
            pg_class.oid::regclass AS relation,
            coalesce(obj_description(pg_class.oid, 'pg_class') LIKE '%Made by fluffy_sql.', FALSE) AS whole
        FROM pg_class
        WHERE pg_class.oid IN (
            SELECT to_regclass(used.name) FROM unnest(ARRAY['photos', 'clusters']) AS used (name)
            UNION ALL
            SELECT relation FROM application_tables
        )
        -- photos refer to clusters
        ORDER BY pg_class.oid = to_regclass('clusters')
    LOOP
        IF made.whole THEN
            -- a partition of photos that was detached keeps the key that it had
            FOR wanted IN
                SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
                FROM pg_constraint
                WHERE confrelid = made.relation AND conname = 'photos_cluster_id_fkey' AND conparentid = 0
            LOOP
                EXECUTE wanted;
            END LOOP;
            EXECUTE format('DROP TABLE %s', made.relation);
            CONTINUE;
        END IF;
        -- what Postgres would drop along with a column, without a word
        SELECT pg_describe_object(classid, objid, objsubid) INTO wanted
        FROM pg_depend
        INNER JOIN pg_attribute ON refobjid = attrelid AND refobjsubid = attnum
        WHERE
            refobjid = made.relation
            AND deptype = 'a'
            AND classid IN ('pg_class'::regclass, 'pg_constraint'::regclass, 'pg_statistic_ext'::regclass)
            AND col_description(attrelid, attnum) LIKE '%Made by fluffy_sql.'
            AND coalesce(obj_description(objid, classid::regclass::name) NOT LIKE '%Made by fluffy_sql.', TRUE)
            AND objid NOT IN (
                SELECT oid FROM pg_constraint
                WHERE conrelid = made.relation
                    AND (contype = 'n' OR conname IN ('photos_cluster_id_fkey', 'clusters_status_check'))
            )
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION '% is on a column of % that migrate made', wanted, made.relation
                USING ERRCODE = 'dependent_objects_still_exist';
        END IF;
        FOR wanted IN
            SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', made.relation, conname)
            FROM pg_constraint
            WHERE conrelid = made.relation AND obj_description(oid, 'pg_constraint') LIKE '%Made by fluffy_sql.'
            UNION ALL
            SELECT format('DROP INDEX %s', indexrelid::regclass)
            FROM pg_index
            WHERE indrelid = made.relation AND obj_description(indexrelid, 'pg_class') LIKE '%Made by fluffy_sql.'
            UNION ALL
            SELECT format('ALTER TABLE %s DROP COLUMN %I', made.relation, attname)
            FROM pg_attribute
            WHERE attrelid = made.relation AND attnum > 0 AND NOT attisdropped
                AND col_description(attrelid, attnum) LIKE '%Made by fluffy_sql.'
        LOOP
            EXECUTE wanted;
        END LOOP;
    END LOOP;
    FOR wanted IN
        SELECT format('DROP TABLE %I.%I', ours, relname)
        FROM pg_class INNER JOIN pg_namespace ON relnamespace = pg_namespace.oid
        -- as in list_work_tables, which is gone by now
        WHERE nspname = ours AND relkind = 'r' AND relpersistence = 'u' AND starts_with(relname::text, 'work_')
    LOOP
        EXECUTE wanted;
    END LOOP;
    FOREACH wanted IN ARRAY ARRAY[
        'FUNCTION %I.place_new_photo', 'TABLE %I.saved_grants', 'TABLE %I.definitions', 'TABLE %I.application_tables',
        'TABLE %I.photo_files', 'TABLE %I.photo_replacements', 'TABLE %I.embedding_models',
        'TABLE %I.photo_duplicates', 'TABLE %I.photo_neighbour_lists', 'TABLE %I.photo_count_changes',
        'TABLE %I.retired_clusters', 'TABLE %I.cluster_levels', 'TABLE %I.cluster_run_clusters',
        'TABLE %I.cluster_run_photo_moves', 'TABLE %I.cluster_run_moves', 'TABLE %I.cluster_quality',
        'TABLE %I.cluster_run_checkpoints', 'TABLE %I.cluster_run_steps', 'TABLE %I.cluster_runs',
        'TABLE %I.attached_source', 'TABLE %I.source_keys', 'TABLE %I.source_owners', 'TABLE %I.migrations', 'TABLE %I.migrations_log', 'TABLE %I.migrations_version'
    ] LOOP
        EXECUTE 'DROP ' || format(replace(wanted, ' %I', ' IF EXISTS %I'), ours);
    END LOOP;
    EXECUTE format('DROP SCHEMA %I', ours);
END
$$;
