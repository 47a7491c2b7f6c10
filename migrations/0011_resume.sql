-- Where a run that goes on is, so that one that was killed can be continued; how many clusters a run kept, and what
-- it saw.
-- depends: 0010_assign

CREATE UNLOGGED TABLE cluster_run_checkpoints (
    run_id bigint PRIMARY KEY REFERENCES cluster_runs (id) ON DELETE CASCADE,
    step integer NOT NULL,
    batch_size bigint NOT NULL,
    centroids vector[] NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON TABLE cluster_run_checkpoints IS
'The last training step of runs that did not end well, for generate --resume. Unlogged: it need not outlive a crash of the server.';
COMMENT ON COLUMN cluster_run_checkpoints.batch_size IS 'Rows of the sample that the next step looks at.';
COMMENT ON COLUMN cluster_run_checkpoints.centroids IS 'Centroids after the step, in all dimensions.';

ALTER TABLE cluster_runs ADD COLUMN clusters_kept integer,
ADD COLUMN embeddings_digest text;

COMMENT ON COLUMN cluster_runs.embeddings_digest IS
'A digest of the embeddings that the run clustered, and of the ids of their photos: two runs with the same one saw the same library. Under cosine of unit vectors. Floats may differ in their last bit, and with them the digest, on another machine.';

COMMENT ON COLUMN cluster_runs.clusters_kept IS
'Clusters that were there before a recluster and have photos after it; cluster_run_clusters says which.';

CREATE OR REPLACE VIEW cluster_run_overview AS
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
    run.largest_cluster,
    run.kind,
    run.photos_moved,
    run.undone_by,
    run.clusters_kept
FROM cluster_runs AS run;
