-- What each run changed, so that it can be seen before and after, and taken back; and photos that no run moves.
-- depends: 0007_functions

CREATE FUNCTION pg_temp.record(made_kind text, made_table text, made_name text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO fluffy_sql_created_objects (kind, table_name, name)
    VALUES (made_kind, made_table, made_name)
    ON CONFLICT DO NOTHING
$$;

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = to_regclass('photos') AND attname = 'cluster_pinned' AND attnum > 0 AND NOT attisdropped
    ) THEN
        ALTER TABLE photos ADD COLUMN cluster_pinned boolean NOT NULL DEFAULT FALSE;
        COMMENT ON COLUMN photos.cluster_pinned IS
            'Whether the photo stays in its cluster, or out of all: no run moves it. Set by a person: UPDATE photos SET cluster_id = 3, cluster_pinned = TRUE WHERE id = 7;';
        PERFORM pg_temp.record('column', 'photos', 'cluster_pinned');
    END IF;
END
$$;

ALTER TABLE cluster_runs ADD COLUMN kind text NOT NULL DEFAULT 'generate'
CONSTRAINT cluster_runs_kind_check CHECK (kind IN ('generate', 'recluster', 'assign', 'undo')),
ADD COLUMN photos_moved bigint,
ADD COLUMN clusters_kept integer,
ADD COLUMN embeddings_digest text,
ADD COLUMN undone_by bigint CONSTRAINT cluster_runs_undone_by_fkey REFERENCES cluster_runs (id) ON DELETE SET NULL;

COMMENT ON COLUMN cluster_runs.kind IS
'generate: made clusters of photos without one; recluster: of all photos anew; assign: placed photos into clusters that were there; undo: took a run back.';
COMMENT ON COLUMN cluster_runs.photos_moved IS 'Photos whose cluster the run changed; cluster_run_moves has them.';
COMMENT ON COLUMN cluster_runs.embeddings_digest IS
'A digest of the embeddings that the run clustered, and of the ids of their photos: two runs with the same one saw the same library. Under cosine of unit vectors. Floats may differ in their last bit, and with them the digest, on another machine.';
COMMENT ON COLUMN cluster_runs.clusters_kept IS
'Clusters that were there before a recluster and have photos after it; cluster_run_clusters says which.';
COMMENT ON COLUMN cluster_runs.undone_by IS 'The run that took this one back. Null: it stands.';

CREATE TABLE cluster_run_moves (
    run_id bigint NOT NULL REFERENCES cluster_runs (id) ON DELETE CASCADE,
    from_cluster_id bigint,
    to_cluster_id bigint,
    photos bigint NOT NULL,
    photo_ids bigint[] NOT NULL,
    CONSTRAINT cluster_run_moves_once UNIQUE NULLS NOT DISTINCT (run_id, from_cluster_id, to_cluster_id)
);

COMMENT ON TABLE cluster_run_moves IS
'Photos that a run moved, one row for each pair of clusters: a row for each photo would double what a run writes. The view cluster_moves has one row for each photo.';
COMMENT ON COLUMN cluster_run_moves.from_cluster_id IS
'Where the photos were. Null: in no cluster. No foreign key, as for the next: history outlives clusters.';
COMMENT ON COLUMN cluster_run_moves.to_cluster_id IS 'Where the run put them. Null: into no cluster.';
COMMENT ON COLUMN cluster_run_moves.photo_ids IS 'Which photos, by rising id.';

CREATE TABLE cluster_run_clusters (
    run_id bigint NOT NULL REFERENCES cluster_runs (id) ON DELETE CASCADE,
    cluster_id bigint NOT NULL,
    change text NOT NULL CONSTRAINT cluster_run_clusters_change_check CHECK (change IN ('created', 'kept', 'emptied')),
    photos bigint NOT NULL,
    photos_before bigint NOT NULL,
    centroid_before vector,
    run_id_before bigint,
    PRIMARY KEY (run_id, cluster_id)
);

COMMENT ON TABLE cluster_run_clusters IS 'Clusters that a run made, kept with another centroid, or emptied.';
COMMENT ON COLUMN cluster_run_clusters.photos IS 'Photos in the cluster after the run.';
COMMENT ON COLUMN cluster_run_clusters.photos_before IS 'Photos in the cluster before the run.';
COMMENT ON COLUMN cluster_run_clusters.centroid_before IS 'Its centroid before the run, to be put back. Null: it had none.';
COMMENT ON COLUMN cluster_run_clusters.run_id_before IS 'The run that its centroid before came from.';

COMMENT ON COLUMN clusters.run_id IS
'The run that its centroid comes from, and with it the metric. Null: none, or its record is gone.';

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

CREATE VIEW cluster_moves AS
SELECT
    moved.run_id,
    photo.id AS photo_id,
    moved.from_cluster_id,
    moved.to_cluster_id
FROM cluster_run_moves AS moved
CROSS JOIN LATERAL unnest(moved.photo_ids) AS photo (id);

COMMENT ON VIEW cluster_moves IS
'Which photo each run moved, from which cluster to which; null: none. Example: SELECT from_cluster_id, to_cluster_id, count(*) FROM cluster_moves WHERE run_id = 1 GROUP BY 1, 2 ORDER BY 3 DESC;';
