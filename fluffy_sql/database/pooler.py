"""Notices a pooler that gives each transaction another server connection (PgBouncer, Supavisor).

Settings, locks and temporary tables of a session would stay behind on a connection that somebody
else gets next, and would be missing on the one that this session gets next. So it is noticed before
there are any, by asking which server process answers, and nothing else.
"""

from __future__ import annotations

import select
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from psycopg.pq import TransactionStatus

from fluffy_sql.database.statements import statement

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

# How often two connections are compared: other clients of the pooler may come in between.
_ROUNDS = 3
# A pooler that lends connections for a session makes others wait if all are lent.
_PATIENCE_SECONDS = 3.0
_GET_BACKEND = "session/get_backend"


def is_pooled(connection: psycopg.Connection[Any]) -> bool:
    """Whether there is a pooler in between: it tells its clients process numbers of its own."""
    return _backend_of(connection) != connection.info.backend_pid


def shares_connections(
    connection: psycopg.Connection[Any], connect: Callable[[], psycopg.Connection[Any]]
) -> bool:
    """Whether a pooler lends server connections for a transaction only.

    If so, a second client in a transaction gets the very server connection that the first one had
    just now, or the first one does not keep its own. A pooler that lends them for a session never
    does that.

    Args:
        connection: outside of any transaction; nothing was set on it yet.
        connect: makes another one at the same address.
    """
    if not is_pooled(connection):
        return False
    with closing(connect()) as other:
        for _ in range(_ROUNDS):
            before = _backend_of(connection)
            held = _begin_on(other)
            if held is None:  # it waits for a connection that this one keeps: it is lent for long
                return False
            changed = _backend_of(connection) != before
            other.execute("ROLLBACK")
            if changed or held == before or _backend_of(connection) != before:
                return True
    return False


def _backend_of(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(statement(_GET_BACKEND).text).fetchone()
    assert row is not None  # noqa: S101 - the statement returns one row
    return int(row[0])


def _begin_on(connection: psycopg.Connection[Any]) -> int | None:
    """Begins a transaction; which server process it is on, None if there is none to be had.

    By hand, since psycopg would wait for the answer as long as the pooler lets it.
    """
    lower = connection.pgconn
    lower.send_query(b"BEGIN")
    until = time.monotonic() + _PATIENCE_SECONDS
    while lower.is_busy():
        ready, _, _ = select.select([lower.socket], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return None
        lower.consume_input()
    while lower.get_result() is not None:
        pass
    if connection.info.transaction_status != TransactionStatus.INTRANS:
        return None
    return _backend_of(connection)
