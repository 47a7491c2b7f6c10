-- Takes back new clusters all of whose photos were deleted or placed by somebody while the run went on.
-- Parameters: cluster_ids bigint[]
-- Returns: nothing; the row count is how many there were.
DELETE FROM clusters
WHERE
    id = any(%(cluster_ids)s::bigint[])
    AND NOT EXISTS (
        SELECT FROM photos
        WHERE photos.cluster_id = clusters.id
    );
