-- Sessions that keep others out, by a lock of ours or in a transaction of ours, and do nothing: while a run is at work,
-- one of its sessions is. Those of its workers count for it: they have the same role and address.
-- Parameters: seconds integer (how long nothing was done)
-- Returns: pid, role, client (null over a socket), held (what the lock is for), seconds.
SELECT
    activity.pid,
    activity.usename AS role,
    activity.client_addr::text AS client,
    ours.held,
    extract(EPOCH FROM clock_timestamp() - activity.state_change)::bigint AS seconds
FROM pg_locks AS lock
INNER JOIN pg_stat_activity AS activity ON lock.pid = activity.pid
INNER JOIN
    unnest(ARRAY['generate', 'import', 'migrate'], ARRAY['runs', 'imports', 'migrations']) AS ours (name, held)
    ON (lock.classid::bigint << 32) | lock.objid::bigint = hashtextextended(
        'fluffy_sql ' || ours.name || ' ' || current_setting('fluffy_sql.schema'), 0
    )
WHERE
    lock.locktype = 'advisory'
    AND lock.granted
    AND lock.objsubid = 1
    AND lock.database = (
        SELECT oid FROM pg_database
        WHERE datname = current_database()
    )
    AND lock.pid <> pg_backend_pid()
    AND activity.state <> 'active'
    AND activity.state_change < clock_timestamp() - make_interval(secs => %(seconds)s::integer)
    AND NOT EXISTS (
        SELECT FROM pg_stat_activity AS worker
        WHERE
            worker.datname = activity.datname
            AND worker.application_name = activity.application_name
            AND worker.usesysid = activity.usesysid
            AND worker.client_addr IS NOT DISTINCT FROM activity.client_addr
            AND worker.pid <> pg_backend_pid()
            AND (
                worker.state = 'active'
                OR worker.state_change >= clock_timestamp() - make_interval(secs => %(seconds)s::integer)
            )
    )
ORDER BY activity.pid;
