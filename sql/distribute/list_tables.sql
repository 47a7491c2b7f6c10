-- Our tables as Citus has them.
-- Returns: name, distributed_by (null: a whole copy on every server), shards; photos first.
SELECT
    spread.logicalrelid::regclass::text AS name,
    CASE
        WHEN spread.partmethod <> 'n' THEN column_to_column_name(spread.logicalrelid, spread.partkey)
    END AS distributed_by,
    count(*) AS shards
FROM pg_dist_partition AS spread
INNER JOIN pg_dist_shard AS shard ON spread.logicalrelid = shard.logicalrelid
WHERE
    spread.logicalrelid = any(
        ARRAY[
            'photos', 'clusters', 'cluster_runs', 'cluster_run_steps', 'cluster_run_moves', 'cluster_run_photo_moves',
            'cluster_run_clusters', 'cluster_run_checkpoints', 'cluster_quality'
        ]::regclass[]
    )
GROUP BY spread.logicalrelid, spread.partmethod, spread.partkey
ORDER BY distributed_by ASC NULLS LAST, name ASC;
