-- Distributes photos by id, and copies all that is small to every server; what is distributed already stays as it is.
--   Triggers of ours go, since Citus refuses them; runs count photos from then on.
--   The unique path becomes a plain index, since a path may lie on any server; import looks for it there.
--   Which photos runs moved goes to the shards of the photos; cluster_run_moves keeps how many.
--   So do the work tables that have photos.
--   Sequences keep their values: Citus would restart those of a table it makes its own. Comments stay, which say what
--   migrate made: Citus would lose those of such a table.
--   The key of photos goes and comes again, since Citus would make a local table of its own of photos first, and refuse
--   that for its identity column.
-- Returns: nothing.
DO $$
DECLARE
    keys text[];
    counted text[];
    last_values bigint[];
    comments text[];
    changed record;
    statement text;
BEGIN
    PERFORM set_config('citus.multi_shard_modify_mode', 'sequential', TRUE);
    FOR changed IN
        SELECT
            quote_ident(tgname) AS name,
            tgrelid::regclass AS of_table
        FROM pg_trigger
        INNER JOIN pg_proc AS called ON tgfoid = called.oid
        WHERE
            tgrelid IN ('photos'::regclass, 'clusters'::regclass)
            AND called.pronamespace = quote_ident(current_setting('fluffy_sql.schema'))::regnamespace
    LOOP
        EXECUTE 'DROP TRIGGER ' || changed.name || ' ON ' || changed.of_table;
    END LOOP;

    SELECT
        array_agg(of_table.name),
        array_agg(pg_sequence_last_value(pg_get_serial_sequence(of_table.name, 'id')))
    INTO counted, last_values
    FROM (
        SELECT attrelid::regclass::text AS name
        FROM pg_attribute
        INNER JOIN pg_class ON attrelid = pg_class.oid AND relkind = 'r'
        WHERE
            attname = 'id'
            AND NOT attisdropped
            AND (
                attrelid IN ('photos'::regclass, 'clusters'::regclass)
                OR relnamespace = quote_ident(current_setting('fluffy_sql.schema'))::regnamespace
            )
    ) AS of_table
    WHERE pg_get_serial_sequence(of_table.name, 'id') IS NOT NULL;

    SELECT array_agg(format('COMMENT ON %s IS %L', described.object, described.comment)) INTO comments
    FROM (
        SELECT of_table.oid AS relation
        FROM pg_class AS of_table
        WHERE
            of_table.relkind = 'r'
            AND (
                of_table.oid IN ('photos'::regclass, 'clusters'::regclass)
                OR of_table.relnamespace = quote_ident(current_setting('fluffy_sql.schema'))::regnamespace
            )
    ) AS made
    CROSS JOIN LATERAL (
        SELECT
            'TABLE ' || made.relation::regclass AS object,
            obj_description(made.relation, 'pg_class') AS comment
        UNION ALL
        SELECT
            format('COLUMN %s.%I', made.relation::regclass, attname) AS object,
            col_description(attrelid, attnum) AS comment
        FROM pg_attribute
        WHERE attrelid = made.relation AND attnum > 0 AND NOT attisdropped
        UNION ALL
        SELECT
            format('CONSTRAINT %I ON %s', conname, made.relation::regclass) AS object,
            obj_description(oid, 'pg_constraint') AS comment
        FROM pg_constraint
        WHERE conrelid = made.relation AND conname <> 'photos_path_key'
        UNION ALL
        SELECT
            'INDEX ' || indexrelid::regclass AS object,
            obj_description(indexrelid, 'pg_class') AS comment
        FROM pg_index
        WHERE indrelid = made.relation AND indexrelid::regclass::text <> 'photos_path_key'
    ) AS described
    WHERE described.comment IS NOT NULL;

    IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'photos'::regclass) THEN
        IF EXISTS (
            SELECT FROM pg_constraint
            WHERE conrelid = 'photos'::regclass AND conname = 'photos_path_key'
        ) THEN
            ALTER TABLE photos DROP CONSTRAINT photos_path_key;
            CREATE INDEX photos_path_idx ON photos (path);
        END IF;
        SELECT
            array_agg(
                'ALTER TABLE photos ADD CONSTRAINT ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid)
            ) INTO keys
        FROM pg_constraint
        WHERE conrelid = 'photos'::regclass AND confrelid = 'clusters'::regclass;
        FOR changed IN
            SELECT quote_ident(conname) AS name
            FROM pg_constraint
            WHERE conrelid = 'photos'::regclass AND confrelid = 'clusters'::regclass
        LOOP
            EXECUTE 'ALTER TABLE photos DROP CONSTRAINT ' || changed.name;
        END LOOP;
        PERFORM create_distributed_table('photos', 'id');

        ALTER TABLE cluster_run_photo_moves DROP CONSTRAINT cluster_run_photo_moves_run_id_fkey;
        keys := array_append(
            keys,
            'ALTER TABLE cluster_run_photo_moves ADD CONSTRAINT cluster_run_photo_moves_run_id_fkey '
            || 'FOREIGN KEY (run_id) REFERENCES cluster_runs (id) ON DELETE CASCADE'
        );
        PERFORM create_distributed_table('cluster_run_photo_moves', 'photo_id', colocate_with => 'photos');
        INSERT INTO cluster_run_photo_moves (run_id, photo_id, from_cluster_id, to_cluster_id, fingerprint)
        SELECT
            moved.run_id,
            moved.photo_id,
            moved.from_cluster_id,
            moved.to_cluster_id,
            moved.fingerprint
        FROM cluster_moves AS moved;
        UPDATE cluster_run_moves
        SET
            photo_ids = '{}',
            fingerprints = NULL;
    END IF;

    IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'photo_files'::regclass) THEN
        PERFORM create_distributed_table('photo_files', 'photo_id', colocate_with => 'photos');
    END IF;

    FOR changed IN
        SELECT quote_ident(work_table.name) AS name
        FROM list_work_tables() AS work_table (name)
        INNER JOIN pg_attribute ON work_table.name::regclass = attrelid AND attname = 'photo_id'
        WHERE NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = work_table.name::regclass)
    LOOP
        PERFORM create_distributed_table(changed.name, 'photo_id', colocate_with => 'photos');
    END LOOP;

    FOR changed IN
        SELECT small.name
        FROM unnest(
            ARRAY[
                'cluster_runs', 'clusters', 'cluster_quality', 'cluster_run_clusters', 'cluster_run_moves',
                'cluster_run_steps', 'cluster_run_checkpoints', 'cluster_levels', 'retired_clusters',
                'photo_duplicates', 'photo_neighbour_lists'
            ]
        ) WITH ORDINALITY AS small (name, place)
        WHERE
            NOT EXISTS (
                SELECT FROM pg_dist_partition
                WHERE logicalrelid = small.name::regclass AND partmethod = 'n' AND repmodel = 't'
            )
        ORDER BY small.place
    LOOP
        -- by its name of now: in making one table its own, Citus puts others in the place of those that refer to it
        PERFORM create_reference_table(changed.name);
    END LOOP;

    PERFORM setval(pg_get_serial_sequence(at.name, 'id'), at.last_value)
    FROM unnest(counted, last_values) AS at (name, last_value)
    WHERE at.last_value IS NOT NULL;
    FOREACH statement IN ARRAY coalesce(keys, '{}') || comments LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
