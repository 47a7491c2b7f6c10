-- Sessions of this library that have waited for others that have something locked: sessions of ours that have
-- something of it locked, or want to.
-- Parameters: seconds integer (how long at least)
-- Returns: pid, blockers (their pids), seconds.
SELECT
    activity.pid,
    pg_blocking_pids(activity.pid) AS blockers,
    max(extract(EPOCH FROM clock_timestamp() - lock.waitstart))::bigint AS seconds
FROM pg_stat_activity AS activity
INNER JOIN pg_locks AS lock ON activity.pid = lock.pid
WHERE
    activity.application_name = 'fluffy_sql'
    AND activity.datname = current_database()
    AND NOT lock.granted
    AND lock.waitstart < clock_timestamp() - make_interval(secs => %(seconds)s::integer)
    AND EXISTS (
        SELECT
        FROM pg_locks AS used
        LEFT JOIN pg_class AS of_table ON used.relation = of_table.oid
        LEFT JOIN pg_namespace AS place ON of_table.relnamespace = place.oid
        WHERE
            used.pid = activity.pid
            AND (
                place.nspname = current_setting('fluffy_sql.schema')
                OR used.relation IN (to_regclass('photos'), to_regclass('clusters'))
                OR (used.locktype = 'advisory' AND (used.classid::bigint << 32) | used.objid::bigint IN (
                    SELECT
                        hashtextextended(
                            'fluffy_sql ' || ours.name || ' ' || current_setting('fluffy_sql.schema'), 0
                        )
                    FROM unnest(ARRAY['generate', 'import', 'migrate']) AS ours (name)
                ))
            )
    )
GROUP BY activity.pid
ORDER BY activity.pid;
