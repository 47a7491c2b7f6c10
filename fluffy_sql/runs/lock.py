"""The lock that allows one run per library, and what a killed run left behind."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fluffy_sql.errors import BusyError, DatabaseError
from fluffy_sql.postgres.advice import describe_client
from fluffy_sql.postgres.session import Session

logger = logging.getLogger(__name__)


_CUT_OFF = "the program or its connection ended before the run did"
# The server notices within a second that a connection is lost, and lets go of its locks.
_TRIES_FOR_THE_LOCK = 30
_SECONDS_BETWEEN_TRIES = 0.1


@contextmanager
def only_run(session: Session) -> Iterator[None]:
    """One run at a time in a library; what killed runs left behind is tidied up.

    If the session's connection is lost, that is done over a new one, if possible; else by the next
    run.
    """
    if not session.fetch_value("runs/try_lock"):
        raise BusyError(_describe_holder(session))
    try:
        _tidy_up(session, "interrupted", _CUT_OFF)
        if not session.distributed:  # there are no triggers
            session.send("triggers/fold")
        session.send("schema/remember_usable_photos")
        yield
        session.settle()
    except DatabaseError as error:
        if session.broken:
            _tidy_up_over_another(session, str(error))
        else:  # on a full disk, emptying one work table makes the room to empty another
            session.release("work_tables/empty", names=None)
        raise
    finally:
        session.release("runs/unlock")


def close_left_open(session: Session, status: str = "interrupted", reason: str = _CUT_OFF) -> None:
    """Closes the records of killed runs; runs must be kept out, or it may close an active one's."""
    session.send("runs/fail", run_id=None, status=status, error=reason)


def _tidy_up(session: Session, status: str, reason: str) -> None:
    close_left_open(session, status, reason)
    session.send("work_tables/empty", names=None)


def _tidy_up_over_another(lost: Session, reason: str) -> None:
    try:
        with lost.reconnected() as session:
            for _ in range(_TRIES_FOR_THE_LOCK):
                if session.fetch_value("runs/try_lock"):
                    _tidy_up(session, "failed", reason)
                    # A server may notice later that a connection was closed.
                    session.release("runs/unlock")
                    return
                time.sleep(_SECONDS_BETWEEN_TRIES)
    except DatabaseError:
        logger.debug("could not tidy up after a lost connection", exc_info=True)


def _describe_holder(session: Session) -> str:
    found = session.fetch_all("runs/find_holder")
    if not found:  # it ended between the two questions
        return f"another run or sweep was at work in {_where(session)} until just now; try again"
    holder = found[0]
    run = f"run {holder['run_id']}" if holder["run_id"] else "another run or sweep"
    since = f", since {holder['since']:%Y-%m-%d %H:%M:%S} UTC" if holder["since"] else ""
    return (
        f"{run} is at work in {_where(session)}: {describe_client(holder)}, server process"
        f" {holder['pid']}{since}; try again when it is done"
    )


def _where(session: Session) -> str:
    return f"the library of the schema {session.schema}"
