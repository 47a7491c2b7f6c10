-- What record_kept_clusters does, where photos are distributed and the record is not: shards count first.
-- clock_timestamp() keeps the CTE apart: Citus would hand a single shard the whole statement, and refuse it.
-- Parameters: run_id bigint
-- Returns: nothing; the row count is the clusters.
WITH member AS MATERIALIZED (
    SELECT
        cluster_id,
        count(*) AS photos
    FROM photos
    WHERE clock_timestamp() IS NOT NULL
    GROUP BY cluster_id
)

UPDATE cluster_run_clusters AS recorded
SET
    photos = counted.photos,
    change = CASE WHEN counted.photos = 0 AND recorded.photos_before > 0 THEN 'emptied' ELSE 'kept' END
FROM (
    SELECT
        old.cluster_id,
        coalesce(member.photos, 0) AS photos
    FROM cluster_run_clusters AS old
    LEFT JOIN member ON old.cluster_id = member.cluster_id
    WHERE old.run_id = %(run_id)s::bigint
) AS counted
WHERE recorded.run_id = %(run_id)s::bigint AND recorded.cluster_id = counted.cluster_id;
