"""Notices a pooler that gives each transaction another server connection (PgBouncer, Supavisor).

Settings, locks and temporary tables of a session would stay behind on a connection that somebody
else gets next, and would be missing on the one that this session gets next. So it is noticed before
there are any, by asking which server process answers, and nothing else.
"""

import select
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from fluffy_sql.postgres.statements import statement

# How often two connections are compared: other clients of the pooler may come in between.
_ROUNDS = 5
# How long a second client waits for a server connection before the first is asked for its own.
_PATIENCE_SECONDS = 0.5
# A client with its own server connection gets an answer within this time, on slow networks too.
_LONGEST_ANSWER_SECONDS = 3.0
_GET_BACKEND = "session/get_backend"


def is_served(connection: psycopg.Connection[Any]) -> bool:
    """Whether a server process answers; a pooler may have none left to lend."""
    _send(connection, statement(_GET_BACKEND).text)
    if not _answers(connection, _LONGEST_ANSWER_SECONDS):
        return False
    _read_answer(connection)
    return True


def shares_connections(
    connection: psycopg.Connection[Any], connect: Callable[[], psycopg.Connection[Any]]
) -> bool:
    """Whether a pooler lends server connections for a transaction (or a statement) only.

    If so, the first client does not keep its own: a second one in a transaction gets it, or the
    first one gets another, or has to wait for one. A pooler that lends them for a session never
    does that.

    Args:
        connection: outside of any transaction; nothing was set on it yet.
        connect: makes another one at the same address.
    """
    own = _backend_of(connection)
    if own == connection.info.backend_pid:  # a pooler tells its clients numbers of its own
        return False
    with closing(connect()) as other:
        for _ in range(_ROUNDS):
            shared = _compare(connection, own, other)
            if shared is not None:
                return shared
    return False


def _compare(
    connection: psycopg.Connection[Any], own: int, other: psycopg.Connection[Any]
) -> bool | None:
    """Whether `connection` does not keep `own`, its server connection; None: it may be chance."""
    _send(other, "BEGIN")
    if not _answers(other, _PATIENCE_SECONDS):
        # All are lent, and who waits longest is served first: if the first one is answered all
        # the same, it has its own.
        _send(connection, statement(_GET_BACKEND).text)
        if not _answers(connection, _LONGEST_ANSWER_SECONDS) or _read_answer(connection) != own:
            return True
        if not _answers(other, 0.0):
            return False
    _read_answer(other)
    if other.info.transaction_status != TransactionStatus.INTRANS:
        return True  # refused: they are lent for a statement
    held = _backend_of(other)
    # Before the first one asks again, which may have to wait for this very connection.
    other.execute("ROLLBACK")
    # Twice: a pooler that goes round may by chance have come back to the same.
    if held == own or _backend_of(connection) != own or _backend_of(connection) != own:
        return True
    return None


def _backend_of(connection: psycopg.Connection[Any]) -> int:
    [(backend,)] = connection.execute(statement(_GET_BACKEND).text).fetchall()
    return int(backend)


# By hand, since psycopg would wait as long as the pooler allows.


def _send(connection: psycopg.Connection[Any], text: str) -> None:
    connection.pgconn.send_query(text.encode())
    connection.pgconn.flush()


def _answers(connection: psycopg.Connection[Any], seconds: float) -> bool:
    """Whether the answer to what was sent comes in time."""
    lower = connection.pgconn
    until = time.monotonic() + seconds
    while lower.is_busy():
        ready, _, _ = select.select([lower.socket], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return False
        lower.consume_input()
    return True


def _read_answer(connection: psycopg.Connection[Any]) -> int | None:
    """The number that was asked for; None: it was no query, or was refused."""
    number = None
    while (result := connection.pgconn.get_result()) is not None:
        if result.ntuples and (value := result.get_value(0, 0)) is not None:
            number = int(value)
    return number
