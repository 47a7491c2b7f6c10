-- Who has a cluster, or the table photos, locked: the one whose transaction began first, of those who wrote to a
-- cluster if there are any. (The others may only refer to one.)
-- Returns: pid, role, client (null over a socket), state, since; no row if nobody has.
SELECT
    activity.pid,
    activity.usename AS role,
    activity.client_addr::text AS client,
    activity.state,
    activity.xact_start AS since
FROM pg_locks AS held
INNER JOIN pg_stat_activity AS activity ON held.pid = activity.pid
WHERE
    held.locktype = 'relation'
    AND held.granted
    AND held.pid <> pg_backend_pid()
    AND held.database = (
        SELECT oid FROM pg_database
        WHERE datname = current_database()
    )
    AND (
        (held.relation = to_regclass('clusters') AND held.mode <> 'AccessShareLock')
        OR (
            held.relation = to_regclass('photos')
            AND held.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
        )
    )
ORDER BY held.mode = 'RowShareLock', activity.xact_start
LIMIT 1;
