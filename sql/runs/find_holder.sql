-- Who holds the lock of runs/try_lock. A bigint key shows in pg_locks as two halves.
-- Returns: run_id (null while it has not opened its record), pid, role, client (null over a socket), since. Others than
--   admins and the role itself may not see the last two of a session: they are null for them.
SELECT
    run.id AS run_id,
    activity.pid,
    activity.usename AS role,
    activity.client_addr::text AS client,
    coalesce(run.started_at, activity.backend_start) AS since
FROM pg_locks AS held
INNER JOIN pg_stat_activity AS activity ON held.pid = activity.pid
LEFT JOIN cluster_runs AS run ON held.pid = run.backend_pid AND run.status = 'running'
WHERE
    held.locktype = 'advisory'
    AND held.granted
    AND held.database = (
        SELECT oid FROM pg_database
        WHERE datname = current_database()
    )
    AND held.objsubid = 1
    AND (held.classid::bigint << 32) | held.objid::bigint
    = hashtextextended('fluffy_sql generate ' || current_setting('fluffy_sql.schema'), 0)
ORDER BY run.id DESC NULLS LAST
LIMIT 1;
