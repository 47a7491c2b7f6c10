-- The centroids of a run's checkpoint.
-- Parameters: run_id bigint
-- Returns: centroid; in their order.
SELECT centroid.embedding AS centroid
FROM cluster_run_checkpoints AS checkpoint
CROSS JOIN LATERAL unnest(checkpoint.centroids) WITH ORDINALITY AS centroid (embedding, place)
WHERE checkpoint.run_id = %(run_id)s::bigint
ORDER BY centroid.place;
