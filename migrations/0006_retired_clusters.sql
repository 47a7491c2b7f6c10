-- Clusters that a recluster emptied: they keep name and centroid, and take no photos until a run brings them back.
-- A table of ours and no column of clusters, which is the application's.
-- depends: 0005_work_tables

CREATE TABLE IF NOT EXISTS retired_clusters (
    cluster_id bigint NOT NULL,
    retired_by bigint NOT NULL REFERENCES cluster_runs (id) ON DELETE CASCADE,
    returned_by bigint REFERENCES cluster_runs (id) ON DELETE CASCADE,
    PRIMARY KEY (cluster_id, retired_by)
);

CREATE UNIQUE INDEX IF NOT EXISTS retired_clusters_cluster_id_idx ON retired_clusters (cluster_id)
WHERE returned_by IS NULL;

COMMENT ON TABLE retired_clusters IS
'Clusters that a recluster left without photos: they take none by assign, by the trigger or by functions until a run brings them back. fluffy-sql clusters prune deletes those that nobody needs.';
COMMENT ON COLUMN retired_clusters.cluster_id IS 'The cluster. No foreign key: an application may delete it.';
COMMENT ON COLUMN retired_clusters.retired_by IS 'The run that retired it.';
COMMENT ON COLUMN retired_clusters.returned_by IS
'The run that brought it back. Null: it is retired now. Kept for runs undo, as long as moves are.';
