-- Drops what migrate made, after drop_definitions: of the application's tables what says so in its comment, and then the
-- schema. Refused by Postgres if something of somebody else's uses one of them, or lies in the schema.
-- Returns: nothing.
DO $$
DECLARE
    ours text := current_setting('fluffy_sql.schema');
    made record;
    wanted text;
BEGIN
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
    FOREACH wanted IN ARRAY ARRAY[
        'FUNCTION %I.place_new_photo', 'TABLE %I.saved_grants', 'TABLE %I.definitions', 'TABLE %I.application_tables',
        'TABLE %I.work_placements', 'TABLE %I.work_candidates', 'TABLE %I.work_measured_clusters',
        'TABLE %I.work_measured', 'TABLE %I.work_sample', 'TABLE %I.work_drawn', 'TABLE %I.work_aside',
        'TABLE %I.work_assignments', 'TABLE %I.photo_count_changes', 'TABLE %I.cluster_run_clusters',
        'TABLE %I.cluster_run_photo_moves', 'TABLE %I.cluster_run_moves', 'TABLE %I.cluster_quality',
        'TABLE %I.cluster_run_checkpoints', 'TABLE %I.cluster_run_steps', 'TABLE %I.cluster_runs',
        'TABLE %I.migrations', 'TABLE %I.migrations_log', 'TABLE %I.migrations_version'
    ] LOOP
        EXECUTE 'DROP ' || format(replace(wanted, ' %I', ' IF EXISTS %I'), ours);
    END LOOP;
    EXECUTE format('DROP SCHEMA %I', ours);
END
$$;
