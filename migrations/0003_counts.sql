-- What the triggers that keep clusters.photos_count write: a transaction that moves photos adds lines here, which wait
-- for nobody, and folds what it can into photos_count as it commits.
-- depends: 0002_runs

CREATE TABLE IF NOT EXISTS photo_count_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cluster_id bigint,
    photos bigint
);

COMMENT ON TABLE photo_count_changes IS
'Changes of clusters.photos_count that are not in it yet, since somebody had the cluster locked: the next move of a photo, the next run or fluffy-sql check adds them. Usually empty. cluster_overview has them in its counts.';
COMMENT ON COLUMN photo_count_changes.cluster_id IS 'Null: all clusters, after a TRUNCATE that may not have seen what it took away.';
COMMENT ON COLUMN photo_count_changes.photos IS 'How many more photos the cluster has; less than 0: fewer. Null: its photos are to be counted.';
