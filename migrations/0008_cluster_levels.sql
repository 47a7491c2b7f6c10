-- Coarser levels of a run's clusters, and what recall is of algorithms that go by no centroid.
-- A table of ours and no column of clusters, which is the application's.
-- depends: 0006_retired_clusters

CREATE TABLE IF NOT EXISTS cluster_levels (
    run_id bigint NOT NULL REFERENCES cluster_runs (id) ON DELETE CASCADE,
    cluster_id bigint NOT NULL,
    level smallint NOT NULL,
    parent_id bigint NOT NULL,
    PRIMARY KEY (run_id, cluster_id, level)
);

COMMENT ON TABLE cluster_levels IS
'Groups of clusters, and groups of those, as a run that was asked for coarser levels found them. The view cluster_overview has those that hold now. Example: SELECT parent_id, count(*) FROM cluster_levels WHERE run_id = 1 AND level = 1 GROUP BY parent_id;';
COMMENT ON COLUMN cluster_levels.cluster_id IS
'The cluster. No foreign key, as for the parent: an application may delete it.';
COMMENT ON COLUMN cluster_levels.level IS
'1: the next coarser level. Clusters that are in one group at a level are in one group at all coarser ones.';
COMMENT ON COLUMN cluster_levels.parent_id IS
'The group that the cluster is in at that level: the id of its largest cluster when the run ended, which is its own parent.';

COMMENT ON COLUMN cluster_runs.recall IS
'Of a sample of photos: with kmeans, the share that have the cluster of their nearest centroid; with algorithms that go by a graph, the share of their nearest neighbours that were found. 1 if they were compared with all, less if there are so many that each was compared with those around it only. Null: not measured.';
