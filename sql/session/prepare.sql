-- Sets what every statement of a session relies on: for this transaction, if the session only looks, else for the
-- session; never persisted.
--   fluffy_sql.schema: the schema of all that is ours; other statements read it.
--   TimeZone: Rails keeps UTC in "timestamp without time zone", and now() is cast to it.
--   synchronize_seqscans: off, so that a scan always starts at the first row and one seed sums floats in one order.
--   default_transaction_isolation: a snapshot taken before a lock was waited for would miss what the other did.
--   work_mem: at least 64 MB, since centroids are kept there; at 4 MB, 1,400 of 768 dimensions were read from a file
--   for each row, and a step took twice as long.
--   synchronous_commit: off, since records of progress need not wait for the disk; a transaction does, see
--   commit/commit_durably.
--   row_security: off, so that a statement fails that row-level security would hide rows from. A run that sees a part
--   of the photos would call itself done, and what is not seen would be counted out.
--   jit: compiling these statements costs more than it saves.
--   client_connection_check_interval: a killed program's statement, and the locks it holds, would else run to its
--   end, or until it gets a lock that it waits for. Windows can't look.
--   idle_session_timeout: the main connection is idle while the others work, for as long as that takes.
-- Parameters: schema text, looking boolean
-- Returns: schema, looking, time_zone, synchronize_seqscans, default_transaction_isolation, work_mem,
--   synchronous_commit, row_security, jit, client_min_messages, client_connection_check_interval, idle_session_timeout,
--   standby (whether the server is one), read_only (whether it, or a setting, refuses to write), backend (its process),
--   has_citus (whether the extension is created in this database), attached (whether the library is an attached one);
--   one row.
SELECT
    set_config('fluffy_sql.schema', %(schema)s::text, %(looking)s::boolean) AS schema,
    set_config('fluffy_sql.looking', %(looking)s::boolean::text, %(looking)s::boolean) AS looking,
    set_config('TimeZone', 'UTC', %(looking)s::boolean) AS time_zone,
    set_config('synchronize_seqscans', 'off', %(looking)s::boolean) AS synchronize_seqscans,
    set_config('default_transaction_isolation', 'read committed', %(looking)s::boolean)
        AS default_transaction_isolation,
    set_config(
        'work_mem',
        greatest(pg_size_bytes(current_setting('work_mem')), 64 * 1024 * 1024) / 1024 || 'kB',
        %(looking)s::boolean
    ) AS work_mem,
    set_config('synchronous_commit', 'off', %(looking)s::boolean) AS synchronous_commit,
    set_config('row_security', 'off', %(looking)s::boolean) AS row_security,
    set_config('jit', 'off', %(looking)s::boolean) AS jit,
    set_config('client_min_messages', 'warning', %(looking)s::boolean) AS client_min_messages,
    set_config(
        'client_connection_check_interval',
        CASE WHEN version() ~* 'windows|mingw|msvc|visual' THEN '0' ELSE '1s' END,
        %(looking)s::boolean
    ) AS client_connection_check_interval,
    set_config('idle_session_timeout', '0', %(looking)s::boolean) AS idle_session_timeout,
    pg_is_in_recovery() AS standby,
    current_setting('transaction_read_only')::boolean AS read_only,
    pg_backend_pid() AS backend,
    (
        SELECT count(*) > 0 FROM pg_extension
        WHERE extname = 'citus'
    ) AS has_citus,
    (
        SELECT count(*) > 0
        FROM pg_attribute
        INNER JOIN pg_class ON pg_attribute.attrelid = pg_class.oid
        INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
        WHERE
            pg_namespace.nspname = %(schema)s::text
            AND pg_class.relname = 'photos'
            AND pg_attribute.attname = 'source_version'
    ) AS attached;
