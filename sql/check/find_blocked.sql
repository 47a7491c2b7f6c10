-- Sessions of ours that have been waiting for others who have something locked.
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
GROUP BY activity.pid
ORDER BY activity.pid;
