-- Our tables as Citus has them.
-- Returns: name, distributed_by (null: a whole copy on every server), shards; photos first.
SELECT
    spread.logicalrelid::regclass::text AS name,
    CASE
        WHEN spread.partmethod <> 'n' THEN column_to_column_name(spread.logicalrelid, spread.partkey)
    END AS distributed_by,
    count(*) AS shards
FROM pg_dist_partition AS spread
INNER JOIN pg_class AS of_table ON spread.logicalrelid = of_table.oid
INNER JOIN pg_dist_shard AS shard ON spread.logicalrelid = shard.logicalrelid
WHERE
    spread.logicalrelid IN ('photos'::regclass, 'clusters'::regclass)
    OR (
        of_table.relnamespace = quote_ident(current_setting('fluffy_sql.schema'))::regnamespace
        AND NOT starts_with(of_table.relname, 'work_')
    )
GROUP BY spread.logicalrelid, spread.partmethod, spread.partkey
ORDER BY distributed_by ASC NULLS LAST, name ASC;
