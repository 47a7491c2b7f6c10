-- Triggers of ours on tables that are no part of photos: a partition that is detached keeps them, and would go on
-- changing counts.
-- Returns: name, of_table.
SELECT
    trigger.tgname::text AS name,
    trigger.tgrelid::regclass::text AS of_table
FROM pg_trigger AS trigger
INNER JOIN pg_proc AS called ON trigger.tgfoid = called.oid
INNER JOIN pg_namespace AS place ON called.pronamespace = place.oid
WHERE
    place.nspname = current_setting('fluffy_sql.schema')
    AND called.proname IN ('count_photos', 'guard_photos')
    AND trigger.tgrelid <> to_regclass('photos')
    AND trigger.tgrelid NOT IN (SELECT relid FROM pg_partition_tree(to_regclass('photos')))
ORDER BY of_table, name;
