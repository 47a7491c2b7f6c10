-- Gives continued clusters their new centroids.
-- Parameters: run_id bigint, cluster_ids bigint[], centroids vector[] (of each)
-- Returns: nothing; the row count is the clusters.
UPDATE clusters
SET
    centroid = kept.centroid,
    run_id = %(run_id)s::bigint,
    updated_at = now()
FROM unnest(%(cluster_ids)s::bigint[], %(centroids)b::vector[]) AS kept (cluster_id, centroid)
WHERE clusters.id = kept.cluster_id;
