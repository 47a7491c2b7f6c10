-- Keeps what the clusters are before a recluster, so that it can be undone. What becomes of them,
-- record_kept_clusters tells afterwards.
-- Parameters: run_id bigint, cluster_ids bigint[], photos bigint[] (in each)
-- Returns: nothing; the row count is the clusters.
INSERT INTO cluster_run_clusters (
    run_id, cluster_id, change, photos, photos_before, centroid_before, run_id_before
)
SELECT
    %(run_id)s::bigint AS run_id,
    cluster.id AS cluster_id,
    'kept' AS change,
    old.photos,
    old.photos AS photos_before,
    cluster.centroid AS centroid_before,
    cluster.run_id AS run_id_before
FROM clusters AS cluster
INNER JOIN unnest(%(cluster_ids)s::bigint[], %(photos)s::bigint[]) AS old (cluster_id, photos)
    ON cluster.id = old.cluster_id;
