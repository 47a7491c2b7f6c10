-- Lets a role look: fluffy-sql clusters, runs, runs show, runs diff and report, and the views and functions for looking
-- at clusters in SQL. It may change nothing. Apply it as the owner of the library, after each migrate:
--
--   fluffy-sql psql -v role=NAME -f docs/grants/read.sql
--
-- Views show what the role itself may see, so it needs the tables below them: what row-level security hides from it,
-- they do not show. A usable_photos of your own may read more tables: grant SELECT on those, too.

\set ON_ERROR_STOP on
SELECT current_schema() AS library \gset

DO $$
BEGIN
    IF current_setting('server_version_num')::integer < 150000 THEN
        RAISE EXCEPTION 'before PostgreSQL 15 views show whatever their owner may see, so nothing is granted: look and work as the owner';
    END IF;
END
$$;

BEGIN;

GRANT USAGE ON SCHEMA :"library" TO :"role";

-- the database, and the schemas of photos, clusters and pgvector, if not everyone may use them
SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), :'role')
WHERE NOT has_database_privilege(:'role', current_database(), 'CONNECT')
UNION
SELECT format('GRANT USAGE ON SCHEMA %I TO %I', nspname, :'role')
FROM pg_namespace
WHERE NOT has_schema_privilege(:'role', oid, 'USAGE') AND oid IN (
    SELECT relnamespace FROM pg_class WHERE pg_class.oid IN ('photos'::regclass, 'clusters'::regclass)
    UNION ALL
    SELECT extnamespace FROM pg_extension WHERE extname = 'vector'
)
\gexec

-- every command asks what was migrated, and where
GRANT SELECT ON migrations, definitions, application_tables TO :"role";

GRANT SELECT (id, path, embedding, cluster_id) ON photos TO :"role";
GRANT SELECT ON clusters, cluster_levels, retired_clusters, cluster_quality, photo_count_changes TO :"role";
GRANT SELECT ON photo_duplicates, photo_neighbour_lists, photo_files, source_keys TO :"role";
GRANT SELECT ON cluster_runs, cluster_run_steps, cluster_run_moves, cluster_run_clusters TO :"role";
GRANT SELECT ON usable_photos, scoped_clusters, placing_rules TO :"role";
GRANT SELECT ON cluster_members, cluster_overview, cluster_moves, cluster_run_overview, current_duplicates TO :"role";

GRANT EXECUTE ON FUNCTION centroid_distance, comparable_embedding, cluster_central_photos, cluster_outermost_photos,
cluster_random_photos, cluster_neighbors, vector_nearest_clusters, photo_nearest_clusters, photo_neighbours TO :"role";

-- an attached library; the role needs SELECT on what its source reads, too
SELECT format('GRANT %s TO %I', wanted.what, :'role')
FROM unnest(
    ARRAY['SELECT ON photos, photo_clusters, attached_source, source_owners', 'EXECUTE ON FUNCTION source_photos, photo_of']
) AS wanted (what)
WHERE to_regproc('source_photos') IS NOT NULL
\gexec

COMMIT;
