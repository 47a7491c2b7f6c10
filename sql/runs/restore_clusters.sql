-- Gives clusters that a run kept the centroids they had before it.
-- Parameters: run_id bigint
-- Returns: nothing; the row count is the clusters.
UPDATE clusters
SET
    centroid = kept.centroid_before,
    run_id = kept.run_id_before,
    updated_at = now()
FROM cluster_run_clusters AS kept
WHERE
    kept.run_id = %(run_id)s::bigint
    AND kept.change <> 'created'
    AND clusters.id = kept.cluster_id
    AND clusters.run_id = %(run_id)s::bigint;
