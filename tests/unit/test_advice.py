"""Advice: right for each cause of an error, and always one line."""

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.pq import DiagnosticField

from fluffy_sql.postgres.advice import (
    READ_ONLY,
    ReadOnly,
    advise,
    explain,
    explain_no_connection,
    one_line,
)

MIGRATE = "run: fluffy-sql migrate"
NAME_TAKEN = "fluffy_sql makes one of that name: rename it and migrate again"
SHARED_MEMORY = (
    "the server has too little shared memory: give it more (docker run --shm-size=1g; /dev/shm), or"
    " set max_parallel_workers_per_gather to 0 for this role"
)
DISK = "the server's disk is full: make room and run again"
PGVECTOR = "create the extension vector, or name its schema in this role's search_path"
NOT_OURS = "fluffy_sql makes none of that name: look for a view, function or trigger with it"
LOST = "fluffy-sql runs says whether the run was committed; if not, run again"
WORKER_LOST = "a server of Citus does not answer, and nothing was written: start it and run again"
AGAIN = "another transaction was in the way: run again"
STATEMENT_TIMEOUT = "run again, with a longer statement_timeout for this role if that was too short"
LOCKED = "somebody else holds the lock: run again"
OTHER_ROLE = "or use another role"

# SQLSTATE, what Postgres says, and what to do
CASES = [
    ("42P01", 'relation "cluster_runs" does not exist', MIGRATE),
    ("42P01", 'relation "fluffy_sql.runs" does not exist', MIGRATE),
    ("42P01", "Relation »photos« existiert nicht", MIGRATE),
    ("42P01", 'relation "my_photos" does not exist', NOT_OURS),
    ("42P01", 'relation "other.photos" does not exist', NOT_OURS),
    ("42P01", 'relation "work_sample" does not exist', MIGRATE),
    ("42P01", 'relation "photo_count_changes" does not exist', MIGRATE),
    ("42P07", 'relation "clusters" already exists', NAME_TAKEN),
    ("42701", 'column "cluster_id" of relation "photos" already exists', NAME_TAKEN),
    ("42710", 'trigger "x" for relation "photos" already exists', NAME_TAKEN),
    ("42723", 'function "x" already exists with same argument types', NAME_TAKEN),
    ("42704", 'type "vector" does not exist', PGVECTOR),
    ("42704", 'role "x" does not exist', None),
    ("42883", "operator does not exist: vector <=> vector", PGVECTOR),
    ("42883", "function fluffy_sql_count() does not exist", MIGRATE),
    ("42883", "function x() does not exist", None),
    ("42501", "permission denied for table photos", "grant the role what docs/grants has for it"),
    ("42501", "permission denied for view usable_photos", "what docs/grants has for it"),
    ("42501", "permission denied for schema public", "grant the role USAGE on the schema and, to"),
    ("42501", "permission denied for database photos", "grant the role CREATE on the database"),
    ("42501", "permission denied for sequence photos_id_seq", "USAGE on the sequence"),
    ("42501", "permission denied for function f", "EXECUTE on it"),
    ("42501", "must be owner of table photos", "use the role that owns it"),
    ("42501", 'permission denied to create extension "vector"', "CREATE EXTENSION vector"),
    (
        "42501",
        'query would be affected by row-level security policy for table "photos"',
        "give the role BYPASSRLS, or use the owner of the table",
    ),
    ("42501", "Zugriff verweigert", f"grant the role this right, {OTHER_ROLE}"),
    ("3F000", "no schema has been selected to create in", "grant the role USAGE on the schema, or"),
    ("3F000", 'schema "fluffy_sql" does not exist', MIGRATE),
    ("3F000", 'schema "other" does not exist', "create the schema"),
    ("22P05", 'character 0xf0 in encoding "UTF8" has no equivalent in "LATIN1"', "is UTF8"),
    ("22P05", "unsupported Unicode escape sequence", None),
    (
        "53100",
        'could not resize shared memory segment "/PostgreSQL.1": No space left on device',
        SHARED_MEMORY,
    ),
    ("53100", "konnte »/PostgreSQL.19« nicht vergrößern", SHARED_MEMORY),
    ("53100", 'could not extend file "base/1/2": No space left on device', DISK),
    ("53100", 'could not write to file "base/pgsql_tmp/x": No space left on device', DISK),
    ("53200", 'could not resize shared memory segment "/PostgreSQL.1"', SHARED_MEMORY),
    ("53200", "out of shared memory", "raise max_locks_per_transaction on the server"),
    ("53200", "out of memory (Failed on request of size 9)", "lower database.connections"),
    ("53300", "sorry, too many clients already", "lower database.connections"),
    ("53400", 'temporary file size exceeds "temp_file_limit" (9kB)', "raise temp_file_limit"),
    ("53400", "something else", None),
    (
        "55P03",
        "canceling statement due to lock timeout",
        f"{LOCKED}, or raise lock_timeout for this role",
    ),
    ("55P03", 'could not obtain lock on relation "photos"', f"{LOCKED} when they are done"),
    ("57014", "canceling statement due to statement timeout", STATEMENT_TIMEOUT),
    ("57014", "canceling statement due to user request", "somebody cancelled it: run again"),
    ("57014", "storniere Anfrage", STATEMENT_TIMEOUT),
    ("25P03", "terminating connection due to idle-in-transaction timeout", "idle_in_transaction"),
    ("25P04", "terminating connection due to transaction timeout", "longer transaction_timeout"),
    ("57P01", "terminating connection due to administrator command", "somebody ended the conn"),
    ("57P02", "terminating connection because of crash of another", "restarts after a crash"),
    ("57P03", "the database system is starting up", "run again when the server is up"),
    ("57P04", 'database "x" has been dropped', "somebody dropped the database"),
    ("28P01", 'password authentication failed for user "me"', "check the user and the password"),
    ("28000", 'role "me" is not permitted to log in', "check the user, the password and"),
    ("3D000", 'database "x" does not exist', "create the database, or check its name"),
    ("08006", "server closed the connection unexpectedly", "run again"),
    ("08006", "connection to the remote node w:5432 failed", WORKER_LOST),
    ("XX000", "server closed the connection unexpectedly (on w:5432)", WORKER_LOST),
    ("XX000", "cache lookup failed for type 9", None),
    ("57P01", "terminating connection due to administrator command (on w:5432)", WORKER_LOST),
    ("57P02", "terminating connection because of crash of another (on w:5432)", WORKER_LOST),
    ("40001", "could not serialize access due to concurrent update", AGAIN),
    ("40001", "canceling statement due to conflict with recovery", "max_standby_streaming_delay"),
    ("40P01", "deadlock detected", AGAIN),
    ("25006", "cannot execute VACUUM during recovery", "name its primary"),
    ("22012", "division by zero", None),
]


@pytest.mark.parametrize(("sqlstate", "said", "advice"), CASES)
def test_each_cause_has_its_own_advice(sqlstate: str, said: str, advice: str | None) -> None:
    found = advise(sqlstate, said)
    if advice is None:
        assert found is None
    else:
        assert advice in str(found)
    error = psycopg.errors.lookup("42P01")(said)
    error.sqlstate = sqlstate
    assert explain(error) == f"Postgres: {said}" + (f"; {found}" if found else "")


REFUSED = "cannot execute UPDATE in a read-only transaction"
RESET = "RESET default_transaction_read_only"


@pytest.mark.parametrize(
    ("why", "advice"),
    [
        (ReadOnly(is_standby=True, set_by=None), "the server is a standby: name its primary in"),
        (ReadOnly(is_standby=True, set_by="user"), "the server is a standby: name its primary in"),
        (ReadOnly(is_standby=False, set_by="user"), f"for this role: ALTER ROLE ... {RESET}"),
        (ReadOnly(is_standby=False, set_by="database"), f"ALTER DATABASE ... {RESET}"),
        (ReadOnly(is_standby=False, set_by="database user"), f"IN DATABASE ... {RESET}"),
        (ReadOnly(is_standby=False, set_by="global"), f"ALTER ROLE ALL {RESET}"),
        (ReadOnly(is_standby=False, set_by="client"), "take it out of options"),
        (ReadOnly(is_standby=False, set_by="configuration file"), "on the server: turn it off"),
        (ReadOnly(is_standby=False, set_by=None), "if the server is a standby, name its primary;"),
        (None, "if the server is a standby, name its primary; else turn off what makes it"),
    ],
)
def test_a_session_that_may_only_read_is_told_why(why: ReadOnly | None, advice: str) -> None:
    found = str(advise(READ_ONLY, REFUSED, why))
    assert advice in found
    if why and why.set_by and not why.is_standby:
        assert found.startswith("default_transaction_read_only is on ")


AT = 'connection failed: connection to server at "127.0.0.1", port 1 failed: '
NO_CONNECTION = [
    (f"{AT}Connection refused", "start a server there, or check host and port"),
    ('on socket "/run/.s.PGSQL.5432" failed: No such file or directory', "start a server there,"),
    ("failed to resolve host 'h': [Errno -2] Name or service not known", "check the host"),
    ("connection timeout expired", "no server answers there: check host, port and firewalls"),
    (f'{AT}FATAL:  password authentication failed for user "me"', "check the user and the passw"),
    (f"{AT}fe_sendauth: no password supplied", "give a password, in ~/.pgpass or PGPASSWORD"),
    (f"{AT}FATAL:  Tenant or user not found", "check the user and the password"),
    (f'{AT}FATAL:  role "me" does not exist', "check the user"),
    (f'{AT}FATAL:  role "me" is not permitted to log in', "use a role that may log in"),
    (f'{AT}FATAL:  database "x" does not exist', "create it, or check its name"),
    (f'{AT}FATAL:  no pg_hba.conf entry for host "h"', "allow it in the server's pg_hba.conf"),
    (f'{AT}FATAL:  permission denied for database "x"', "grant the role CONNECT on the database"),
    (f"{AT}FATAL:  sorry, too many clients already", "run again when others have left, or raise"),
    (f'{AT}FATAL:  too many connections for role "me"', "run again when others have left, or"),
    (f"{AT}FATAL:  remaining connection slots are reserved for x", "run again when others have"),
    (f"{AT}FATAL:  the database system is starting up", "run again when it is up"),
    (f"{AT}FATAL:  the database system is in recovery mode", "run again when it is up"),
    (f'{AT}FATAL:  database "x" is not currently accepting connections', "run again when it is up"),
    (f"{AT}server does not support SSL, but SSL was required", "turn on TLS there, or allow less"),
    (f'{AT}root certificate file "x" does not exist', "check sslmode and sslrootcert"),
    (f"{AT}SSL error: certificate verify failed", "check sslmode and sslrootcert"),
    (f"{AT}FATAL:  unsupported startup parameter: options", "a pooler refuses that: leave it out"),
    (f"{AT}session is read-only", "check target_session_attrs"),
    ('connection is bad: invalid sslmode value: "x"', "check the parameters of the address"),
    (f'{AT}FATAL:  unrecognized configuration parameter "x"', "check the parameters of the addr"),
    (f"{AT}Connection refused\nMultiple connection attempts failed.", "check each host"),
    ('invalid integer value "x" for connection option "connect_timeout"', "check the parameters"),
    ("es ist etwas faul", "check the address"),
]


@pytest.mark.parametrize(("said", "advice"), NO_CONNECTION)
def test_what_keeps_us_out_has_its_own_advice(said: str, advice: str) -> None:
    found = explain_no_connection(psycopg.OperationalError(said))
    assert found.startswith(f"{' '.join(said.split())}; {advice}")


@pytest.mark.parametrize("sqlstate", [None, "08006"])
def test_what_became_of_a_run_is_asked_for_if_there_is_a_record_of_it(sqlstate: str | None) -> None:
    lost = psycopg.OperationalError("consuming input failed: server closed the connection\n")
    lost.sqlstate = sqlstate
    said = "Postgres: consuming input failed: server closed the connection"
    assert explain(lost) == f"{said}; run again"
    assert explain(lost, recorded=True) == f"{said}; {LOST}"
    assert explain(psycopg.DataError("no"), recorded=True) == "Postgres: no"


def test_what_a_worker_says_tells_which_worker() -> None:
    full = psycopg.errors.DiskFull(
        info={
            DiagnosticField.MESSAGE_PRIMARY: b"could not extend file",
            DiagnosticField.CONTEXT: b"COPY photos\nwhile executing command on w:5432",
        }
    )
    assert explain(full) == f"Postgres: could not extend file (on w:5432); {DISK}"


@given(
    said=st.text(),
    sqlstate=st.sampled_from([None, *sorted({sqlstate for sqlstate, _, _ in CASES})]),
)
def test_it_is_always_one_line(said: str, sqlstate: str | None) -> None:
    error = psycopg.OperationalError(said)
    error.sqlstate = sqlstate
    for line in (explain(error), explain_no_connection(error), one_line(error)):
        assert len(line.splitlines()) == 1
