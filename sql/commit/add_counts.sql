-- Adds to how many photos clusters have. An adopted table may hold no number yet.
-- Parameters: cluster_ids bigint[], photos bigint[] (how many more each has; less than 0: fewer)
-- Returns: nothing; the row count is the clusters written.
UPDATE clusters
SET photos_count = coalesce(clusters.photos_count, 0) + added.photos
FROM unnest(%(cluster_ids)s::bigint[], %(photos)s::bigint[]) AS added (cluster_id, photos)
WHERE clusters.id = added.cluster_id;
