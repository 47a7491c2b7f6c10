-- What cluster_moves is if photos are distributed: moves lie on the shards of their photos.
CREATE OR REPLACE VIEW cluster_moves AS
SELECT
    run_id,
    photo_id,
    from_cluster_id,
    to_cluster_id,
    fingerprint
FROM cluster_run_photo_moves;

COMMENT ON VIEW cluster_moves IS
'Which photo each run moved, from which cluster to which; null: none. Example: SELECT from_cluster_id, to_cluster_id, count(*) FROM cluster_moves WHERE run_id = 1 GROUP BY 1, 2 ORDER BY 3 DESC;';
