-- Where `fluffy-sql distribute` made photos a distributed table, each photo that a run moves is written down on its own
-- shard, in place of photo_ids in cluster_run_moves: ids by cluster would have to be sent to one server to be gathered.
-- depends: 0013_work_schema

CREATE TABLE cluster_run_photo_moves (
    run_id bigint NOT NULL REFERENCES cluster_runs (id) ON DELETE CASCADE,
    photo_id bigint NOT NULL,
    from_cluster_id bigint,
    to_cluster_id bigint,
    PRIMARY KEY (run_id, photo_id)
);

COMMENT ON TABLE cluster_run_photo_moves IS
'Photos that a run moved, where photos is a distributed table; empty elsewhere. The view cluster_moves shows moves either way.';
COMMENT ON COLUMN cluster_run_photo_moves.from_cluster_id IS
'Where the photo was. Null: in no cluster. No foreign key, as for the next: history outlives clusters.';
COMMENT ON COLUMN cluster_run_photo_moves.to_cluster_id IS 'Where the run put it. Null: into no cluster.';
COMMENT ON COLUMN cluster_run_moves.photo_ids IS
'Which photos, by rising id; empty where photos is a distributed table: cluster_run_photo_moves has them.';
