-- What ran, with which settings, how it went and what it changed: in our schema, so that it can be watched, compared
-- and taken back. Every table has a key: one that a publication sends needs it for each UPDATE and DELETE.
-- depends: 0001_library

CREATE TABLE IF NOT EXISTS cluster_runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL DEFAULT 'generate'
    CONSTRAINT cluster_runs_kind_check CHECK (kind IN ('generate', 'recluster', 'assign', 'undo')),
    status text NOT NULL DEFAULT 'running'
    CONSTRAINT cluster_runs_status_check CHECK (status IN ('running', 'succeeded', 'failed', 'interrupted')),
    phase text NOT NULL DEFAULT 'survey',
    algorithm text NOT NULL,
    metric text NOT NULL CONSTRAINT cluster_runs_metric_check CHECK (metric IN ('cosine', 'l2')),
    seed bigint NOT NULL,
    k_requested integer,
    scopes integer,
    settings jsonb NOT NULL,
    tool_version text NOT NULL,
    postgres_version text NOT NULL,
    pgvector_version text NOT NULL,
    photos_eligible bigint NOT NULL,
    dimensions integer,
    photos_processed bigint,
    photos_moved bigint,
    skipped jsonb,
    clusters_created integer,
    clusters_kept integer,
    inertia double precision,
    iterations integer,
    converged boolean,
    recall double precision,
    silhouette double precision,
    davies_bouldin double precision,
    calinski_harabasz double precision,
    smallest_cluster bigint,
    largest_cluster bigint,
    photos_measured bigint,
    embeddings_digest text,
    seconds jsonb,
    undone_by bigint CONSTRAINT cluster_runs_undone_by_fkey REFERENCES cluster_runs (id) ON DELETE SET NULL,
    error text,
    started_by text NOT NULL DEFAULT current_user,
    backend_pid integer NOT NULL DEFAULT pg_backend_pid(),
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);

COMMENT ON TABLE cluster_runs IS 'One row for each run of fluffy_sql, failed ones included.';
COMMENT ON COLUMN cluster_runs.kind IS
'generate: made clusters of photos without one; recluster: of all photos anew; assign: placed photos into clusters that were there; undo: took a run back.';
COMMENT ON COLUMN cluster_runs.status IS
'running; succeeded: its clusters are committed; failed: error says why, nothing was written; interrupted: stopped or killed, nothing was written.';
COMMENT ON COLUMN cluster_runs.phase IS
'What the run was last doing: survey, sample, seed, refine, train, assign, measure, commit.';
COMMENT ON COLUMN cluster_runs.seed IS 'The same seed on the same photos and settings gives the same clusters.';
COMMENT ON COLUMN cluster_runs.k_requested IS
'How many clusters were asked for; clusters_created is smaller if there are fewer distinct embeddings.';
COMMENT ON COLUMN cluster_runs.scopes IS
'How many scopes the photos of the run were of, each clustered by itself. Null: not a run that trains.';
COMMENT ON COLUMN cluster_runs.settings IS 'The clustering section of image_embed.yml as it applied.';
COMMENT ON COLUMN cluster_runs.photos_eligible IS 'Photos that had a usable embedding and no cluster when the run began.';
COMMENT ON COLUMN cluster_runs.photos_processed IS 'Photos that the run put into a cluster.';
COMMENT ON COLUMN cluster_runs.photos_moved IS 'Photos whose cluster the run changed; cluster_run_moves has them.';
COMMENT ON COLUMN cluster_runs.skipped IS 'How many photos stayed out, by reason.';
COMMENT ON COLUMN cluster_runs.clusters_kept IS
'Clusters that were there before a recluster and have photos after it; cluster_run_clusters says which.';
COMMENT ON COLUMN cluster_runs.inertia IS
'Sum of squared distances from each photo to its centroid; under cosine of unit vectors, so twice the sum of cosine distances.';
COMMENT ON COLUMN cluster_runs.iterations IS 'Lloyd steps of the whole run, restarts included; cluster_run_steps has one row for each.';
COMMENT ON COLUMN cluster_runs.converged IS 'Whether the last descent ended by its tolerance and not by the limit on iterations.';
COMMENT ON COLUMN cluster_runs.recall IS
'Share of a sample of photos that have the cluster of their nearest centroid: 1 if photos were compared with all of them, less if there are so many that each was compared with those around it only. Null: not measured.';
COMMENT ON COLUMN cluster_runs.silhouette IS
'Simplified silhouette (Hruschka 2004), the mean over photos of 1 - own / other, own and other being the distances to the own and to the nearest other centroid: 0 (between clusters) to 1 (far from all others). Null: one cluster only, or not measured.';
COMMENT ON COLUMN cluster_runs.davies_bouldin IS
'Davies-Bouldin index (1979): the mean over clusters of how wide a cluster and its worst neighbour are for their distance. Small is good. Null: one cluster only, or not measured.';
COMMENT ON COLUMN cluster_runs.calinski_harabasz IS
'Calinski-Harabasz index (1974): the variance between clusters over that within, each by its degrees of freedom. Large is good; grows with the number of photos. Null as for silhouette, or as many clusters as photos.';
COMMENT ON COLUMN cluster_runs.smallest_cluster IS 'Photos in the smallest cluster when the run ended.';
COMMENT ON COLUMN cluster_runs.largest_cluster IS 'Photos in the largest cluster when the run ended.';
COMMENT ON COLUMN cluster_runs.photos_measured IS
'Photos of the sample that the silhouette was measured on; all other measures are those of all photos.';
COMMENT ON COLUMN cluster_runs.embeddings_digest IS
'A digest of the embeddings that the run clustered, and of the ids of their photos: two runs with the same one saw the same library. Under cosine of unit vectors. Floats may differ in their last bit, and with them the digest, on another machine.';
COMMENT ON COLUMN cluster_runs.seconds IS 'Seconds by phase, and in total.';
COMMENT ON COLUMN cluster_runs.undone_by IS 'The run that took this one back. Null: it stands.';
COMMENT ON COLUMN cluster_runs.backend_pid IS 'The server process of the run''s main connection, as in pg_stat_activity.pid.';

CREATE TABLE IF NOT EXISTS cluster_run_steps (
    run_id bigint NOT NULL REFERENCES cluster_runs (id) ON DELETE CASCADE,
    step integer NOT NULL,
    phase text NOT NULL,
    batch_size bigint NOT NULL,
    inertia double precision NOT NULL,
    centroid_movement double precision NOT NULL,
    seconds double precision NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, step)
);

COMMENT ON TABLE cluster_run_steps IS 'One row for each Lloyd step of a run, written as it happens.';
COMMENT ON COLUMN cluster_run_steps.phase IS 'seed 1, seed 2, ...: the restarts; refine: moving centroids about; train: growing batches to the end.';
COMMENT ON COLUMN cluster_run_steps.batch_size IS 'Rows of the sample that the step looked at.';
COMMENT ON COLUMN cluster_run_steps.inertia IS 'Sum of squared distances of the batch to the centroids the step began with.';
COMMENT ON COLUMN cluster_run_steps.centroid_movement IS 'How far centroids moved: the root mean square over clusters.';

CREATE UNLOGGED TABLE IF NOT EXISTS cluster_run_checkpoints (
    run_id bigint PRIMARY KEY,
    step integer NOT NULL,
    batch_size bigint NOT NULL,
    centroids vector[] NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT cluster_run_checkpoints_run_id_fkey FOREIGN KEY (run_id) REFERENCES cluster_runs (id) ON DELETE CASCADE
);

COMMENT ON TABLE cluster_run_checkpoints IS
'The last training step of runs that did not end well, for generate --resume. Unlogged: it need not outlive a crash of the server.';
COMMENT ON COLUMN cluster_run_checkpoints.batch_size IS 'Rows of the sample that the next step looks at.';
COMMENT ON COLUMN cluster_run_checkpoints.centroids IS 'Centroids after the step, in all dimensions.';

CREATE TABLE IF NOT EXISTS cluster_quality (
    run_id bigint NOT NULL REFERENCES cluster_runs (id) ON DELETE CASCADE,
    cluster_id bigint NOT NULL,
    photos bigint NOT NULL,
    mean_distance double precision NOT NULL,
    max_distance double precision NOT NULL,
    distance_percentiles double precision[],
    silhouette double precision,
    davies_bouldin double precision,
    photos_measured bigint NOT NULL,
    PRIMARY KEY (run_id, cluster_id)
);

COMMENT ON TABLE cluster_quality IS
'How good each cluster of a run was when the run ended. Example: SELECT * FROM cluster_quality WHERE run_id = 1 ORDER BY silhouette LIMIT 5;';
COMMENT ON COLUMN cluster_quality.cluster_id IS
'The cluster. No foreign key: what a run measured stays when its clusters are deleted for a better one.';
COMMENT ON COLUMN cluster_quality.photos IS 'Photos in the cluster.';
COMMENT ON COLUMN cluster_quality.mean_distance IS
'Mean distance of its photos to its centroid, in the metric of the run: cosine distance, or Euclidean under l2.';
COMMENT ON COLUMN cluster_quality.max_distance IS 'Distance of the photo that fits it least, in the metric of the run.';
COMMENT ON COLUMN cluster_quality.distance_percentiles IS
'How far its photos were from its centroid, in the metric of the run: 101 distances, the 0th to the 100th percentile; distance_percentiles[96] is the 95th.';
COMMENT ON COLUMN cluster_quality.silhouette IS
'Mean simplified silhouette of its photos: near 0 if they lie as near to another centroid. Null: not measured.';
COMMENT ON COLUMN cluster_quality.davies_bouldin IS
'How wide it and its worst neighbour are for their distance: above 1 or 2 the two can hardly be told apart. Null: not measured.';
COMMENT ON COLUMN cluster_quality.photos_measured IS
'Photos of the sample that its silhouette was measured on; may be 0 in a small cluster.';

CREATE TABLE IF NOT EXISTS cluster_run_moves (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES cluster_runs (id) ON DELETE CASCADE,
    from_cluster_id bigint,
    to_cluster_id bigint,
    photos bigint NOT NULL,
    photo_ids bigint[] NOT NULL,
    fingerprints real[]
);

CREATE INDEX IF NOT EXISTS cluster_run_moves_run_id_idx ON cluster_run_moves (run_id);

COMMENT ON TABLE cluster_run_moves IS
'Photos that a run moved, one row for each pair of clusters: a row for each photo would double what a run writes. The view cluster_moves has one row for each photo.';
COMMENT ON COLUMN cluster_run_moves.from_cluster_id IS
'The cluster the photos were in. Null: in none. No foreign key, as for the next: history outlives clusters.';
COMMENT ON COLUMN cluster_run_moves.to_cluster_id IS 'The cluster the run put them into. Null: into none.';
COMMENT ON COLUMN cluster_run_moves.photo_ids IS
'Which photos, by rising id; empty if photos is a distributed table: cluster_run_photo_moves has them.';
COMMENT ON COLUMN cluster_run_moves.fingerprints IS
'A number for the embedding that each of them had then; another embedding has another number. Null: the run looked at none.';

CREATE TABLE IF NOT EXISTS cluster_run_photo_moves (
    run_id bigint NOT NULL,
    photo_id bigint NOT NULL,
    from_cluster_id bigint,
    to_cluster_id bigint,
    fingerprint real,
    PRIMARY KEY (run_id, photo_id),
    CONSTRAINT cluster_run_photo_moves_run_id_fkey FOREIGN KEY (run_id) REFERENCES cluster_runs (id) ON DELETE CASCADE
);

COMMENT ON TABLE cluster_run_photo_moves IS
'Photos that a run moved, if photos is a distributed table; else empty. The view cluster_moves shows moves either way.';
COMMENT ON COLUMN cluster_run_photo_moves.from_cluster_id IS
'The cluster the photo was in. Null: in none. No foreign key, as for the next: history outlives clusters.';
COMMENT ON COLUMN cluster_run_photo_moves.to_cluster_id IS 'The cluster the run put it into. Null: into none.';
COMMENT ON COLUMN cluster_run_photo_moves.fingerprint IS
'A number for the embedding that it had then; another embedding has another number. Null: the run did not look at it.';

CREATE TABLE IF NOT EXISTS cluster_run_clusters (
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

-- No foreign key: a key from a table of the application's to one of ours would keep the tools of its framework from
-- reading and loading their schema (Rails' schema.rb, Prisma). Records of runs are not deleted; see
-- sql/schema/forget_lost_runs.sql for clusters that come from a dump without them.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'clusters'::regclass AND attname = 'run_id' AND NOT attisdropped
    ) THEN
        ALTER TABLE clusters ADD COLUMN run_id bigint;
        COMMENT ON COLUMN clusters.run_id IS
            'The run that its centroid comes from, and with it the metric. Null: none, or its record is gone. Made by fluffy_sql.';
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_index
        INNER JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
        WHERE indrelid = 'clusters'::regclass AND attname = 'run_id' AND indisvalid AND indpred IS NULL
    ) THEN
        CREATE INDEX clusters_run_id_idx ON clusters (run_id);
        EXECUTE format(
            'COMMENT ON INDEX %s IS %L',
            (
                SELECT index.indexrelid::regclass FROM pg_index AS index INNER JOIN pg_class ON index.indexrelid = oid
                WHERE index.indrelid = 'clusters'::regclass AND relname = 'clusters_run_id_idx'
            ),
            'The clusters of a run. Made by fluffy_sql.'
        );
    END IF;
END
$$;
