-- Distributes photos by id, and copies all that is small to every server; what is distributed already stays as it is.
--   Triggers of ours go, for Citus refuses them; runs count photos from then on.
--   The unique path becomes a plain index, for a path may lie on any server; import looks for it there.
--   Which photos runs moved goes to the shards of the photos; cluster_run_moves keeps how many.
--   Sequences go on where they were: Citus would begin those of a table it makes its own anew.
--   Functions whose bodies are bound to tables become PL/pgSQL: Citus would take them for parts of the tables, find
--   itself in a circle, and refuse the next ALTER TABLE or server; and it would not run them.
--   The key of photos goes and comes again, since Citus would make a local table of its own of photos first, and refuse
--   that for its identity column.
-- Returns: nothing.
DO $$
DECLARE
    here regnamespace := (SELECT relnamespace FROM pg_class WHERE oid = 'photos'::regclass);
    keys text[];
    counted text[];
    last_values bigint[];
    changed record;
    statement text;
BEGIN
    PERFORM set_config('citus.multi_shard_modify_mode', 'sequential', TRUE);
    FOR changed IN
        SELECT
            quote_ident(tgname) AS name,
            tgrelid::regclass AS of_table
        FROM pg_trigger
        WHERE
            tgrelid IN ('photos'::regclass, 'clusters'::regclass)
            AND NOT tgisinternal
            AND starts_with(tgname, 'fluffy_sql_')
    LOOP
        EXECUTE 'DROP TRIGGER ' || changed.name || ' ON ' || changed.of_table;
    END LOOP;

    FOR changed IN
        SELECT
            proretset AS returns_rows,
            split_part(pg_get_functiondef(oid), E'\nBEGIN ATOMIC\n', 1) AS head,
            substring(pg_get_functiondef(oid) FROM '\nBEGIN ATOMIC\n(.*);\nEND\n*$') AS query
        FROM pg_proc
        WHERE prosqlbody IS NOT NULL AND pronamespace = here
    LOOP
        CONTINUE WHEN changed.query IS NULL;
        EXECUTE
            replace(changed.head, E'\n LANGUAGE sql', E'\n LANGUAGE plpgsql') || ' AS ' || quote_literal(
                E'#variable_conflict use_column\nBEGIN\n' || CASE
                    WHEN changed.returns_rows THEN 'RETURN QUERY ' || changed.query || ';'
                    ELSE 'RETURN (' || changed.query || ');'
                END || E'\nEND'
            );
    END LOOP;

    SELECT
        array_agg(of_table.name),
        array_agg(pg_sequence_last_value(pg_get_serial_sequence(of_table.name, 'id')))
    INTO counted, last_values
    FROM unnest(ARRAY['photos', 'clusters', 'cluster_runs']) AS of_table (name);

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
        INSERT INTO cluster_run_photo_moves (run_id, photo_id, from_cluster_id, to_cluster_id)
        SELECT
            run_id,
            photo_id,
            from_cluster_id,
            to_cluster_id
        FROM cluster_moves;
        UPDATE cluster_run_moves SET photo_ids = '{}';
        CREATE OR REPLACE VIEW cluster_moves AS
        SELECT
            run_id,
            photo_id,
            from_cluster_id,
            to_cluster_id
        FROM cluster_run_photo_moves;
    END IF;

    FOR changed IN
        SELECT small.name
        FROM unnest(
            ARRAY[
                'cluster_runs', 'clusters', 'cluster_quality', 'cluster_run_clusters', 'cluster_run_moves',
                'cluster_run_steps', 'cluster_run_checkpoints'
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
    FOREACH statement IN ARRAY coalesce(keys, '{}') LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
