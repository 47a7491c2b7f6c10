-- The triggers that keep photos_count, as far as they are there.
-- Returns: name, enabled (whether statements of ordinary sessions fire it).
SELECT
    tgname::text AS name,
    tgenabled IN ('O', 'A') AS enabled
FROM pg_trigger
WHERE
    tgrelid IN (to_regclass('photos'), to_regclass('clusters'))
    AND NOT tgisinternal
    AND starts_with(tgname::text, 'fluffy_sql_count_')
ORDER BY tgname;
