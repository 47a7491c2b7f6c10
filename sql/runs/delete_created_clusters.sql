-- Deletes the clusters that a run made, but for those that a person named, set aside or put photos into.
-- For clock_timestamp() see commit/recount.
-- Parameters: run_id bigint
-- Returns: nothing; the row count is the clusters.
WITH filled AS MATERIALIZED (
    SELECT DISTINCT photos.cluster_id
    FROM photos
    INNER JOIN cluster_run_clusters AS made ON photos.cluster_id = made.cluster_id
    WHERE made.run_id = %(run_id)s::bigint AND made.change = 'created' AND clock_timestamp() IS NOT NULL
)

DELETE FROM clusters
USING cluster_run_clusters AS made
WHERE
    made.run_id = %(run_id)s::bigint
    AND made.change = 'created'
    AND clusters.id = made.cluster_id
    AND clusters.name IS NULL
    AND clusters.status::text = '0'
    AND clusters.id NOT IN (SELECT filled.cluster_id FROM filled);
