-- The triggers of ours that are to be there, of both kinds; an application's partitions have some of their own, for
-- statements on a partition itself fire none of the whole table.
-- Returns: name, of_table, whole (whether that is no partition: statements of runs are on whole tables), kind (count:
--   keeps photos_count; guard: keeps scopes apart), there, enabled (whether statements of ordinary sessions fire it).
SELECT
    wanted.name,
    wanted.of_table::regclass::text AS of_table,
    wanted.of_table IN (
        to_regclass('photos'), to_regclass('clusters'), to_regclass('photo_count_changes')
    ) AS whole,
    wanted.kind,
    trigger.oid IS NOT NULL AS there,
    coalesce(trigger.tgenabled IN ('O', 'A'), FALSE) AS enabled
FROM (
    SELECT
        statement.name,
        photo.relation AS of_table,
        statement.kind
    FROM (
        SELECT to_regclass('photos') AS relation
        UNION
        SELECT relid FROM pg_partition_tree(to_regclass('photos'))
    ) AS photo
    CROSS JOIN (
        VALUES
        ('fluffy_sql_count_inserted', 'count'),
        ('fluffy_sql_count_updated', 'count'),
        ('fluffy_sql_count_deleted', 'count'),
        ('fluffy_sql_count_truncated', 'count'),
        ('fluffy_sql_guard_inserted', 'guard'),
        ('fluffy_sql_guard_updated', 'guard')
    ) AS statement (name, kind)
    UNION ALL
    VALUES
    ('fluffy_sql_count_cluster', to_regclass('clusters'), 'count'),
    ('fluffy_sql_guard_cluster', to_regclass('clusters'), 'guard'),
    ('fluffy_sql_fold', to_regclass('photo_count_changes'), 'count')
) AS wanted
LEFT JOIN pg_trigger AS trigger ON wanted.of_table = trigger.tgrelid AND wanted.name = trigger.tgname
WHERE wanted.of_table IS NOT NULL
ORDER BY wanted.of_table::regclass::text, wanted.name;
