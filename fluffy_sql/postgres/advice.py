"""What Postgres's errors mean to a user: one line, with what to do if that is known.

One SQLSTATE has several causes; the server's words distinguish them, in any language. So the
advice that stands without a pattern holds for every cause of its SQLSTATE.
"""

import re
from dataclasses import dataclass
from typing import Any

import psycopg

READ_ONLY = "25006"


_OURS = (
    r"(?<![\w.])(fluffy_sql\.\w+|fluffy_sql\w*|photos|clusters|cluster_\w+|usable_photos|work_\w+"
    r"|photo_count_changes|application_tables)(?![\w.])"
)
_NAME_TAKEN = "fluffy_sql makes one of that name: rename it and migrate again"
_PGVECTOR = "create the extension vector, or name its schema in this role's search_path"
_SHARED_MEMORY = (
    "the server has too little shared memory: give it more (docker run --shm-size=1g; /dev/shm), or"
    " set max_parallel_workers_per_gather to 0 for this role"
)
_SEGMENT = r"shared memory segment|/PostgreSQL\.\d+|/dev/shm"
# What became of it is known by a run's record only; nothing else is harmed by doing it again.
_LOST = "run again"
_LOST_RUN = "fluffy-sql runs says whether the run was committed; if not, run again"
# What a worker says while the coordinator is there comes before any commit.
_WORKER_LOST = "a server of Citus does not answer, and nothing was written: start it and run again"
_ON_WORKER = r"\(on \S+:\d+\)$"

# The beginning of a SQLSTATE, what the server says (None: anything), and what to do. The first that
# fits counts.
_RULES: tuple[tuple[str, str | None, str], ...] = (
    ("08", "remote node", _WORKER_LOST),
    ("XX000", "server closed the connection", _WORKER_LOST),
    ("57P01", _ON_WORKER, _WORKER_LOST),
    ("57P02", _ON_WORKER, _WORKER_LOST),
    ("08", "pooling mode", "name the server behind the pooler, or a pool in session mode"),
    (
        "08",
        "query_wait_timeout",
        "the pooler has no connection left: run again when others have left, or raise its pool"
        " size",
    ),
    ("08", None, _LOST),
    ("22P05", "UTF8", "use a database whose encoding is UTF8"),
    ("23503", None, "make the rows refer to rows that exist, and run again"),
    ("25P03", None, "run again, with a longer idle_in_transaction_session_timeout"),
    ("25P04", None, "run again, with a longer transaction_timeout for this role"),
    ("28P01", None, "check the user and the password"),
    ("28", None, "check the user, the password and the server's pg_hba.conf"),
    ("2BP01", None, "drop or change what depends on it, which is not fluffy_sql's, and run again"),
    ("3D000", None, "create the database, or check its name"),
    ("3F000", "fluffy_sql", "run: fluffy-sql migrate"),
    ("3F000", '"', "create the schema, or change what names it"),
    ("3F000", None, "grant the role USAGE on the schema, or set its search_path"),
    (
        "40001",
        "recovery",
        "the standby had to remove rows that were being read: run again, or raise"
        " max_standby_streaming_delay there",
    ),
    ("40", None, "another transaction was in the way: run again"),
    ("42P01", _OURS, "run: fluffy-sql migrate"),
    (
        "42P01",
        None,
        "fluffy_sql makes none of that name: look for a view, function or trigger with it",
    ),
    ("42P07", None, _NAME_TAKEN),
    ("42701", None, _NAME_TAKEN),
    ("42710", None, _NAME_TAKEN),
    ("42723", None, _NAME_TAKEN),
    ("42704", r"\bvector\b", _PGVECTOR),
    ("42883", r"\bvector\b", _PGVECTOR),
    ("42883", _OURS, "run: fluffy-sql migrate"),
    ("42501", "row-level security", "give the role BYPASSRLS, or use the owner of the table"),
    ("42501", "must be owner|must be able to SET ROLE", "use the role that owns it"),
    (
        "42501",
        "create extension|permission denied for language",
        "let a role that may do it run once: CREATE EXTENSION vector",
    ),
    (
        "42501",
        "for schema",
        "grant the role USAGE on the schema and, to migrate, CREATE; or use another role",
    ),
    (
        "42501",
        "for database",
        "grant the role CREATE on the database, to make a schema there; or use another role",
    ),
    (
        "42501",
        "for function|for procedure|for routine",
        "grant the role EXECUTE on it, or use another role",
    ),
    ("42501", "for sequence", "grant the role USAGE on the sequence, or use another role"),
    (
        "42501",
        "for (table|view|materialized view|relation|column)",
        "grant the role what docs/grants has for it, or use another role",
    ),
    ("42501", None, "grant the role this right, or use another role"),
    ("53100", _SEGMENT, _SHARED_MEMORY),
    ("53100", None, "the server's disk is full: make room and run again"),
    ("53200", _SEGMENT, _SHARED_MEMORY),
    (
        "53200",
        "shared memory|max_locks_per_transaction",
        "raise max_locks_per_transaction on the server",
    ),
    ("53200", None, "the server is short of memory: lower database.connections, or give it more"),
    ("53300", None, "run again when others have left, or lower database.connections"),
    ("53400", "temp_file_limit", "raise temp_file_limit for this role"),
    ("55000", "replica identity", "give it a primary key, or ALTER TABLE ... REPLICA IDENTITY"),
    (
        "55P03",
        "lock timeout",
        "somebody else holds the lock: run again, or raise lock_timeout for this role",
    ),
    ("55P03", None, "somebody else holds the lock: run again when they are done"),
    ("57014", "user request", "somebody cancelled it: run again"),
    (
        "57014",
        None,
        "run again, with a longer statement_timeout for this role if that was too short",
    ),
    (
        "57P01",
        None,
        "somebody ended the connection, or the server stops: run again when it is there",
    ),
    ("57P02", None, "the server restarts after a crash, its log says why: run again then"),
    ("57P03", None, "run again when the server is up"),
    ("57P04", None, "somebody dropped the database"),
    (READ_ONLY, "recovery", "the server is a standby: name its primary in the address"),
)

_LET_IN = "run again when others have left, or raise the limit"

# What libpq, psycopg and poolers say if they can't connect; no SQLSTATE comes with it.
_NO_CONNECTION = (
    ("Multiple connection attempts", "check each host"),
    ("resolve host|translate host name|service not known", "check the host"),
    ("Connection refused|No such file", "start a server there, or check host and port"),
    ("timeout expired|timed out", "no server answers there: check host, port and firewalls"),
    ("no password supplied", "give a password, in ~/.pgpass or PGPASSWORD"),
    ("authentication failed|[Uu]ser not found|no such user", "check the user and the password"),
    (
        "no pg_hba.conf entry|pg_hba.conf rejects",
        "allow it in the server's pg_hba.conf, or use TLS",
    ),
    ('role ".*" does not exist', "check the user"),
    ("not permitted to log in", "use a role that may log in"),
    ('database ".*" does not exist|no such database', "create it, or check its name"),
    ("permission denied for database", "grant the role CONNECT on the database"),
    ("too many|connection slots are reserved|no more connections", _LET_IN),
    ("starting up|shutting down|recovery mode|accepting connections", "run again when it is up"),
    ("does not support SSL", "turn on TLS there, or allow less in sslmode"),
    ("certificate", "check sslmode and sslrootcert"),
    ("startup parameter", "a pooler refuses that: leave it out, or name the server behind it"),
    ("read-only|read-write|hot standby", "check target_session_attrs"),
    ("invalid|unrecognized|parameter", "check the parameters of the address"),
)


@dataclass(frozen=True)
class ReadOnly:
    """Why a session may only read.

    Attributes:
        is_standby: whether the server is one.
        set_by: what turned default_transaction_read_only on, in the words of pg_settings; None:
            it is off.
    """

    is_standby: bool
    set_by: str | None


def explain(error: psycopg.Error, why: ReadOnly | None = None, *, recorded: bool = False) -> str:
    """One line for an error of a statement, with what to do if that is known.

    Args:
        error: what the driver raised.
        why: why the session may only read, if that was asked.
        recorded: whether there is a record of what was done, that of a run.
    """
    said = one_line(error)
    if error.sqlstate is None:
        advice = _LOST if isinstance(error, psycopg.OperationalError) else None
    else:
        advice = advise(error.sqlstate, said, why)
    if recorded and advice is _LOST:
        advice = _LOST_RUN
    return f"Postgres: {said}" + (f"; {advice}" if advice else "")


def explain_no_connection(error: psycopg.Error) -> str:
    """One line for an error of connecting, with what to do."""
    said = one_line(error)
    for pattern, advice in _NO_CONNECTION:
        if re.search(pattern, said):
            return f"{said}; {advice}"
    return f"{said}; check the address"


def advise(sqlstate: str, said: str, why: ReadOnly | None = None) -> str | None:
    """What to do about an error, if that is known.

    Args:
        sqlstate: its code.
        said: what the server said.
        why: why the session may only read, if that was asked.
    """
    for beginning, pattern, advice in _RULES:
        if sqlstate.startswith(beginning) and re.search(pattern or "", said):
            return advice
    return _advise_read_only(why) if sqlstate == READ_ONLY else None


_UNDO_READ_ONLY = {
    "database": "for this database: ALTER DATABASE ... RESET default_transaction_read_only",
    "user": "for this role: ALTER ROLE ... RESET default_transaction_read_only",
    "database user": "for this role here: ALTER ROLE ... IN DATABASE ... RESET"
    " default_transaction_read_only",
    "global": "for all roles: ALTER ROLE ALL RESET default_transaction_read_only",
    "client": "by the address or PGOPTIONS: take it out of options",
}


def _advise_read_only(why: ReadOnly | None) -> str:
    if why is None or not (why.is_standby or why.set_by):
        return "if the server is a standby, name its primary; else turn off what makes it read-only"
    if why.is_standby:
        return "the server is a standby: name its primary in the address"
    # Hosts do so, too, when the disk is nearly full.
    undo = _UNDO_READ_ONLY.get(str(why.set_by), "on the server: turn it off there")
    return f"default_transaction_read_only is on {undo}"


def describe_client(row: dict[str, Any]) -> str:
    """Who a session is: its `role`, and the `client` where it comes from."""
    return f"{row['role'] or 'another role'} from {row['client'] or 'this machine'}"


def one_line(error: psycopg.Error) -> str:
    """The server's message; its LINE and caret lines quote our SQL, which tells a user nothing."""
    message = error.diag.message_primary or str(error) or type(error).__name__
    detail = error.diag.message_detail
    # libpq's connection errors say what failed on their first lines, and then guess at length.
    text = f"{message} ({detail})" if detail else message.partition("\tThis probably means")[0]
    # What an error of a worker is passed on with.
    worker = re.search(r"while executing command on (\S+)", error.diag.context or "")
    if worker:
        text += f" (on {worker[1]})"
    return " ".join(text.split()) or type(error).__name__
