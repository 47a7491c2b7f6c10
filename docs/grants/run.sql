-- Lets a role work with a library that another role owns: all commands but migrate, detach and sample. It can't change
-- a path, delete a photo, rename a cluster or make anything anywhere. Apply it as the owner of the library, after each
-- migrate:
--
--   fluffy-sql psql -v role=NAME -f docs/grants/run.sql

\set ON_ERROR_STOP on
\ir read.sql

BEGIN;

-- an import has a temporary table, and so has embed
SELECT format('GRANT TEMPORARY ON DATABASE %I TO %I', current_database(), :'role')
WHERE NOT has_database_privilege(:'role', current_database(), 'TEMPORARY')
\gexec

GRANT SELECT ON photos TO :"role";
GRANT INSERT (path, embedding, created_at, updated_at) ON photos TO :"role";
GRANT UPDATE (embedding, cluster_id, updated_at) ON photos TO :"role";

-- clusters are made by the function that knows the column of their scope
GRANT EXECUTE ON FUNCTION make_clusters TO :"role";
GRANT INSERT ON clusters TO :"role";
GRANT UPDATE (photos_count, centroid, run_id, updated_at) ON clusters TO :"role";
GRANT DELETE ON clusters TO :"role";

GRANT INSERT, UPDATE, DELETE ON cluster_runs, cluster_run_clusters, retired_clusters, photo_neighbour_lists TO :"role";
GRANT INSERT, DELETE ON cluster_run_steps, cluster_run_moves TO :"role";
GRANT SELECT, INSERT, UPDATE, DELETE ON cluster_run_checkpoints TO :"role";
GRANT INSERT, DELETE ON cluster_levels, cluster_quality, photo_duplicates TO :"role";
GRANT INSERT, UPDATE, DELETE ON photo_files TO :"role";
GRANT SELECT, INSERT, UPDATE, DELETE ON photo_replacements, embedding_models TO :"role";

-- what a run works in, and what only the owner may do with it
SELECT format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO %I', list_work_tables(), :'role')
\gexec
GRANT EXECUTE ON FUNCTION empty_work_tables, analyze_work_table, list_filled_work_tables, nearest_candidate TO :"role";

-- what triggers wrote down and could not add to photos_count; and the view usable_photos, in case somebody drops it
GRANT EXECUTE ON FUNCTION fold_photo_counts, remember_usable_photos TO :"role";

-- for photos that are placed one by one, or as they come by a trigger that calls place_new_photo
-- for clusters prune; it reads the tables that refer to clusters, too: grant SELECT on those
GRANT EXECUTE ON FUNCTION referenced_clusters TO :"role";

GRANT EXECUTE ON FUNCTION nearest_active_cluster, clusters_by_neighbours, voted_clusters, nearest_cores, assign_photo, library_is_whole TO :"role";

-- an adopted table may take its ids from a sequence that is a thing of its own
SELECT format('GRANT USAGE ON SEQUENCE %s TO %I', pg_get_serial_sequence(attrelid::regclass::text, 'id'), :'role')
FROM pg_attribute
WHERE attrelid IN ('photos'::regclass, 'clusters'::regclass) AND attname = 'id' AND attidentity = ''
AND pg_get_serial_sequence(attrelid::regclass::text, 'id') IS NOT NULL
\gexec

-- an attached library is brought in step with its source
SELECT format('GRANT %s TO %I', wanted.what, :'role')
FROM unnest(
    ARRAY[
        'INSERT, UPDATE, DELETE ON photos, source_keys', 'INSERT ON source_owners',
        'EXECUTE ON FUNCTION sync_source, source_differences'
    ]
) AS wanted (what)
WHERE to_regproc('source_photos') IS NOT NULL
\gexec

COMMIT;
