-- Lets a role look: fluffy-sql clusters, runs, runs show, runs diff and report, and the views and functions for looking
-- at clusters in SQL. It may change nothing. Apply it as the owner of the tables, after each migrate:
--
--   fluffy-sql psql -v role=NAME -f docs/grants/read.sql

\set ON_ERROR_STOP on
SELECT current_schema() AS library \gset

BEGIN;

GRANT CONNECT ON DATABASE :"DBNAME" TO :"role";
GRANT USAGE ON SCHEMA :"library" TO :"role";

-- every command asks what was migrated
GRANT SELECT ON fluffy_sql_migrations TO :"role";

GRANT SELECT ON clusters, cluster_quality TO :"role";
GRANT SELECT ON cluster_runs, cluster_run_steps, cluster_run_moves, cluster_run_clusters TO :"role";
GRANT SELECT ON usable_photos, scoped_clusters TO :"role";
GRANT SELECT ON cluster_members, cluster_overview, cluster_moves, cluster_run_overview TO :"role";

GRANT EXECUTE ON FUNCTION centroid_distance, cluster_central_photos, cluster_outermost_photos, cluster_random_photos,
cluster_neighbors, vector_nearest_clusters, photo_nearest_clusters TO :"role";

COMMIT;
