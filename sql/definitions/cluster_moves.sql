-- Which photo each run moved.
CREATE OR REPLACE VIEW cluster_moves AS
SELECT
    moved.run_id,
    photo.id AS photo_id,
    moved.from_cluster_id,
    moved.to_cluster_id,
    photo.fingerprint
FROM cluster_run_moves AS moved
CROSS JOIN LATERAL unnest(moved.photo_ids, moved.fingerprints) AS photo (id, fingerprint);

COMMENT ON VIEW cluster_moves IS
'Which photo each run moved, from which cluster to which; null: none. Example: SELECT from_cluster_id, to_cluster_id, count(*) FROM cluster_moves WHERE run_id = 1 GROUP BY 1, 2 ORDER BY 3 DESC;';
