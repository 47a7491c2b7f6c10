-- What ran, with which settings, and how it went: written as a run goes, so that anyone can watch.
-- depends: 0001_library

CREATE TABLE cluster_runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    status text NOT NULL DEFAULT 'running'
    CONSTRAINT cluster_runs_status_check CHECK (status IN ('running', 'succeeded', 'failed', 'interrupted')),
    phase text NOT NULL DEFAULT 'survey',
    algorithm text NOT NULL,
    metric text NOT NULL CONSTRAINT cluster_runs_metric_check CHECK (metric IN ('cosine', 'l2')),
    seed bigint NOT NULL,
    k_requested integer NOT NULL,
    settings jsonb NOT NULL,
    tool_version text NOT NULL,
    postgres_version text NOT NULL,
    pgvector_version text NOT NULL,
    photos_eligible bigint NOT NULL,
    dimensions integer,
    photos_processed bigint,
    skipped jsonb,
    clusters_created integer,
    inertia double precision,
    iterations integer,
    converged boolean,
    seconds jsonb,
    error text,
    started_by text NOT NULL DEFAULT current_user,
    backend_pid integer NOT NULL DEFAULT pg_backend_pid(),
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);

COMMENT ON TABLE cluster_runs IS 'One row for each run of fluffy_sql generate, failed ones included.';
COMMENT ON COLUMN cluster_runs.status IS
'running; succeeded: its clusters are committed; failed: error says why, nothing was written; interrupted: stopped or killed, nothing was written.';
COMMENT ON COLUMN cluster_runs.phase IS 'What the run was last doing: survey, sample, seed, refine, train, assign, commit.';
COMMENT ON COLUMN cluster_runs.seed IS 'The same seed on the same photos and settings gives the same clusters.';
COMMENT ON COLUMN cluster_runs.k_requested IS 'How many clusters were asked for; clusters_created is smaller where there are fewer distinct embeddings.';
COMMENT ON COLUMN cluster_runs.settings IS 'The clustering section of image_embed.yml as it applied.';
COMMENT ON COLUMN cluster_runs.photos_eligible IS 'Photos that had a usable embedding and no cluster when the run began.';
COMMENT ON COLUMN cluster_runs.skipped IS 'How many photos stayed out, by reason.';
COMMENT ON COLUMN cluster_runs.photos_processed IS 'Photos that the run put into a cluster.';
COMMENT ON COLUMN cluster_runs.inertia IS
'Sum of squared distances from each photo to its centroid; under cosine of unit vectors, so twice the sum of cosine distances.';
COMMENT ON COLUMN cluster_runs.iterations IS 'Lloyd steps of the whole run, restarts included; cluster_run_steps has one row for each.';
COMMENT ON COLUMN cluster_runs.converged IS 'Whether the last descent ended by its tolerance and not by the limit on iterations.';
COMMENT ON COLUMN cluster_runs.seconds IS 'Seconds by phase, and in total.';
COMMENT ON COLUMN cluster_runs.backend_pid IS 'The server process of the run''s main connection, as in pg_stat_activity.pid.';

CREATE TABLE cluster_run_steps (
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

ALTER TABLE clusters ADD COLUMN run_id bigint CONSTRAINT clusters_run_id_fkey REFERENCES cluster_runs (
    id
) ON DELETE SET NULL;

COMMENT ON COLUMN clusters.run_id IS 'The run that made the cluster. Null: none did, or its record is gone.';

CREATE INDEX clusters_run_id_idx ON clusters (run_id);
