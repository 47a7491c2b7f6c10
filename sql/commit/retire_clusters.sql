-- Retires the clusters that a recluster left without photos. One that a person made and that had no photos stays as it
-- is. After record_kept_clusters and return_clusters.
-- Parameters: run_id bigint
-- Returns: nothing; the row count is the clusters retired.
INSERT INTO retired_clusters (cluster_id, retired_by)
SELECT
    emptied.cluster_id,
    emptied.run_id AS retired_by
FROM cluster_run_clusters AS emptied
INNER JOIN clusters ON emptied.cluster_id = clusters.id
LEFT JOIN retired_clusters AS retired ON emptied.cluster_id = retired.cluster_id AND retired.returned_by IS NULL
WHERE
    emptied.run_id = %(run_id)s::bigint
    AND emptied.photos = 0
    AND emptied.change <> 'created'
    AND (emptied.photos_before > 0 OR clusters.run_id IS NOT NULL)
    AND retired.cluster_id IS NULL;
