-- Lets a role that writes to photos have them placed by the trigger place_new_photo, if it is neither the owner of the
-- library nor a role that runs: else its photos come in without a cluster, and wait for the next fluffy-sql assign. The
-- right to INSERT or UPDATE photos is the application's to grant. Apply it as the owner of the library, after each
-- migrate:
--
--   fluffy-sql psql -v role=NAME -f docs/grants/place.sql

\set ON_ERROR_STOP on
SELECT current_schema() AS library \gset

DO $$
BEGIN
    IF current_setting('server_version_num')::integer < 150000 THEN
        RAISE EXCEPTION 'before PostgreSQL 15 views show whatever their owner may see, so nothing is granted: write as the owner';
    END IF;
END
$$;

BEGIN;

GRANT USAGE ON SCHEMA :"library" TO :"role";

-- what the view shows of a photo, and where that goes
GRANT SELECT (id, path, embedding, cluster_id, cluster_pinned) ON photos TO :"role";
GRANT UPDATE (cluster_id, updated_at) ON photos TO :"role";

-- the clusters it is compared with; the one that is chosen is locked, which is a right to update one
GRANT SELECT ON clusters, retired_clusters TO :"role";
GRANT UPDATE (updated_at) ON clusters TO :"role";
GRANT SELECT (id, metric, algorithm, settings) ON cluster_runs TO :"role";
GRANT SELECT ON usable_photos, scoped_clusters, placing_rules TO :"role";

GRANT EXECUTE ON FUNCTION library_is_whole, assign_photo, nearest_active_cluster, vector_nearest_clusters,
centroid_distance, clusters_by_neighbours, voted_clusters, nearest_cores,
comparable_embedding TO :"role";

COMMIT;
