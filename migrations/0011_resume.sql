-- Where a run that goes on is, so that one that was killed can be continued.
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
