-- Brings back the retired clusters that a recluster continued. After record_kept_clusters; apart from retire_clusters,
-- since Citus refuses to INSERT what it selects beside a CTE that modifies.
-- Parameters: run_id bigint
-- Returns: nothing; the row count is the clusters brought back.
UPDATE retired_clusters
SET returned_by = %(run_id)s::bigint
WHERE
    returned_by IS NULL
    AND cluster_id IN (
        SELECT kept.cluster_id
        FROM cluster_run_clusters AS kept
        INNER JOIN clusters ON kept.cluster_id = clusters.id AND kept.run_id = clusters.run_id
        WHERE kept.run_id = %(run_id)s::bigint AND kept.photos > 0
    );
