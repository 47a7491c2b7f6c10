-- How many photos of those looked at have the cluster of their nearest centroid.
-- depends: 0004_inspection_views

ALTER TABLE cluster_runs ADD COLUMN recall double precision;

COMMENT ON COLUMN cluster_runs.recall IS
'Share of a sample of photos that have the cluster of their nearest centroid: 1 where photos were compared with all of them, less where there are so many that each was compared with those around it only. Null: not measured.';
