-- The history goes; photos keep the clusters they are in.

DROP VIEW cluster_moves;

DROP TABLE cluster_run_clusters;

DROP TABLE cluster_run_moves;

DROP VIEW cluster_run_overview;

CREATE VIEW cluster_run_overview AS
SELECT
    run.id,
    run.status,
    run.phase,
    run.algorithm,
    run.metric,
    run.seed,
    run.k_requested,
    run.clusters_created,
    run.photos_eligible,
    run.photos_processed,
    run.inertia,
    run.inertia / nullif(run.photos_processed, 0) AS inertia_per_photo,
    run.iterations,
    run.converged,
    run.started_at,
    coalesce(run.finished_at, clock_timestamp()) - run.started_at AS duration,
    run.started_by,
    run.error,
    run.silhouette,
    run.davies_bouldin,
    run.calinski_harabasz,
    run.smallest_cluster,
    run.largest_cluster
FROM cluster_runs AS run;

ALTER TABLE cluster_runs DROP COLUMN kind,
DROP COLUMN photos_moved,
DROP COLUMN clusters_kept,
DROP COLUMN embeddings_digest,
DROP COLUMN undone_by;

COMMENT ON COLUMN clusters.run_id IS 'The run that made the cluster. Null: none did, or its record is gone.';

DO $$
BEGIN
    IF EXISTS (
        SELECT FROM fluffy_sql_created_objects
        WHERE kind = 'column' AND table_name = 'photos' AND name = 'cluster_pinned'
    ) THEN
        ALTER TABLE photos DROP COLUMN IF EXISTS cluster_pinned;
        DELETE FROM fluffy_sql_created_objects
        WHERE kind = 'column' AND table_name = 'photos' AND name = 'cluster_pinned';
    END IF;
END
$$;
