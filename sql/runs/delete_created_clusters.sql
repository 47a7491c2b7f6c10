-- Deletes the clusters that a run made, but for those that a person named, set aside or put photos into.
-- Parameters: run_id bigint
-- Returns: nothing; the row count is the clusters.
DELETE FROM clusters
USING cluster_run_clusters AS made
WHERE
    made.run_id = %(run_id)s::bigint
    AND made.change = 'created'
    AND clusters.id = made.cluster_id
    AND clusters.name IS NULL
    AND clusters.status::text = '0'
    AND NOT EXISTS (
        SELECT FROM photos
        WHERE photos.cluster_id = clusters.id
    );
