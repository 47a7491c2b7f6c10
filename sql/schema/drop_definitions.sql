-- Takes away views, functions and triggers: all that keeps an application from changing its tables. What an
-- application's trigger calls, place_new_photo, stays, and does nothing while the rest is gone. Refused by Postgres if
-- something of the application's uses one of them.
-- Returns: nothing.
DO $$
DECLARE
    ours text := current_setting('fluffy_sql.schema');
    wanted text;
    found record;
BEGIN
    FOR found IN
        SELECT
            trigger.tgname,
            trigger.tgrelid::regclass AS relation
        FROM pg_trigger AS trigger
        INNER JOIN pg_proc AS called ON trigger.tgfoid = called.oid
        INNER JOIN pg_namespace AS place ON called.pronamespace = place.oid
        WHERE place.nspname = ours AND called.proname <> 'place_new_photo'
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', found.tgname, found.relation);
    END LOOP;
    FOREACH wanted IN ARRAY ARRAY[
        'analyze_work_table', 'empty_work_tables', 'list_filled_work_tables', 'list_work_tables',
        'remember_usable_photos', 'guard_cluster', 'guard_photos', 'count_cluster', 'fold_photo_counts_at_commit',
        'fold_photo_counts', 'count_photos', 'assign_photo', 'nearest_active_cluster', 'make_clusters',
        'library_is_whole', 'referenced_clusters', 'photo_nearest_clusters', 'vector_nearest_clusters', 'scoped_clusters',
        'scope_clusters_by', 'clusters_by_neighbours', 'nearest_cores', 'voted_clusters', 'placing_rules',
        'photo_neighbours', 'cluster_neighbors', 'cluster_random_photos', 'cluster_outermost_photos',
        'cluster_central_photos', 'nearest_candidate', 'comparable_embedding', 'centroid_distance', 'current_duplicates',
        'cluster_moves', 'cluster_run_overview', 'cluster_overview', 'cluster_members', 'usable_photos_is_as_made',
        'usable_photos', 'application_table', 'photo_of', 'photo_clusters', 'sync_source', 'source_differences',
        'source_photos'
    ] LOOP
        FOR found IN
            SELECT 'VIEW ' || pg_class.oid::regclass AS object
            FROM pg_class INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
            WHERE pg_namespace.nspname = ours AND pg_class.relname = wanted AND pg_class.relkind = 'v'
            UNION ALL
            SELECT 'FUNCTION ' || pg_proc.oid::regprocedure AS object
            FROM pg_proc INNER JOIN pg_namespace ON pg_proc.pronamespace = pg_namespace.oid
            WHERE pg_namespace.nspname = ours AND pg_proc.proname = wanted
        LOOP
            EXECUTE 'DROP ' || found.object;
        END LOOP;
    END LOOP;
END
$$;
