"""The transaction in which a run writes: the order of its locks, and how long it may take.

It waits only while it holds nothing that others wait for: for clusters, at its beginning. Photos
that others are changing are passed over (SKIP LOCKED in the statements that move photos). So it is
part of no deadlock. On Citus it waits for them, too (docs/explanation/scaling.md).
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fluffy_sql.errors import DatabaseError
from fluffy_sql.postgres.advice import describe_client
from fluffy_sql.postgres.counter_cache import folds_at_commit
from fluffy_sql.postgres.session import Session

_LOCK_NOT_AVAILABLE = "55P03"
_QUERY_CANCELED = "57014"
_TRY_AGAIN_SECONDS = 0.05


@dataclass(frozen=True)
class LockLimits:
    """How long the final transaction may be in the way, in seconds.

    Attributes:
        wait: how long it waits for locks; others that lock a cluster meanwhile queue behind it.
        hold: how long it holds them; None: no limit.
    """

    wait: float = 60.0
    hold: float | None = None


@contextmanager
def final_transaction(
    session: Session, limits: LockLimits, *, old_clusters: bool, force_rollback: bool = False
) -> Iterator[None]:
    """A transaction that has all its locks, but those of photos, when it begins.

    Args:
        session: outside of any transaction.
        limits: how long it may wait for locks and hold them.
        old_clusters: whether it writes to clusters that others can see.
        force_rollback: whether it is rolled back at its end.

    Raises:
        DatabaseError: Postgres refused a statement, or a limit was reached; nothing was written.
    """
    begun, has_locks = time.monotonic(), False
    try:
        with session.transaction(force_rollback=force_rollback):
            milliseconds = max(1, round(limits.wait * 1000))
            session.send("commit/set_lock_timeout", milliseconds=milliseconds)
            if session.distributed:
                session.execute("citus/commit/set_lock_timeout_of_shards")
            session.execute("commit/lock_photos")
            if old_clusters:
                _lock_clusters(session, limits)
            if folds_at_commit(session):
                session.send("triggers/fold_at_once")
            if limits.hold is not None:
                session.deadline = time.monotonic() + limits.hold
            has_locks = True
            yield
    except DatabaseError as error:
        late = session.deadline is not None and time.monotonic() >= session.deadline
        session.deadline = None
        if error.sqlstate == _LOCK_NOT_AVAILABLE and not has_locks:
            told = (
                f"the final transaction waited {time.monotonic() - begun:.1f} s for locks"
                " (clustering.lock_wait), and nothing was written:"
                f" {_describe_blocker(session)}; run again when it is done"
            )
        elif error.sqlstate == _LOCK_NOT_AVAILABLE and session.distributed:
            # Citus passes over no photos that are locked.
            told = (
                f"the final transaction waited {limits.wait:g} s for photos that somebody is"
                " changing (clustering.lock_wait), and nothing was written: run again when they"
                " are done"
            )
        elif error.sqlstate == _QUERY_CANCELED and late:
            told = _held_too_long(session, limits)
        else:
            raise
        raise DatabaseError(told, error.sqlstate) from error
    finally:
        session.deadline = None


def _lock_clusters(session: Session, limits: LockLimits) -> None:
    """Locks all clusters; waits for others that lock one, but holds no lock meanwhile."""
    give_up = time.monotonic() + limits.wait
    while True:
        try:
            with session.savepoint():
                session.execute("commit/lock_clusters")
                session.execute("commit/lock_cluster_rows")
        except DatabaseError as error:
            if error.sqlstate != _LOCK_NOT_AVAILABLE or time.monotonic() >= give_up:
                raise
            time.sleep(_TRY_AGAIN_SECONDS)
        else:
            return


def _held_too_long(session: Session, limits: LockLimits) -> str:
    indexes = [row["name"] for row in session.fetch_all("survey/list_vector_indexes")]
    advice = (
        f"it has to write {', '.join(indexes)} for each photo: allow more, or drop that before and"
        " make it again afterwards (docs/guides/operations.md)"
        if indexes
        else "allow more, or run when the database is less busy"
    )
    return (
        f"the final transaction would have held locks for more than {limits.hold:g} s"
        f" (clustering.lock_hold), and nothing was written: {advice}"
    )


def _describe_blocker(session: Session) -> str:
    found = session.fetch_all("commit/find_blocker")
    if not found:  # it ended between the two questions
        return "somebody had clusters locked until just now"
    blocker = found[0]
    since = f"{blocker['since']:%Y-%m-%d %H:%M:%S} UTC" if blocker["since"] else "some time ago"
    return (
        f"{describe_client(blocker)}, server process {blocker['pid']}"
        f" ({blocker['state'] or 'state unknown'}), has clusters or photos locked in a transaction"
        f" that began {since}"
    )
