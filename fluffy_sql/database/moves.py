"""Moves photos to other clusters and keeps who moved: in one statement, or on each shard."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from fluffy_sql.database.session import Session

Row = TypeVar("Row")


def move_photos(
    session: Session,
    kind: type[Row],
    name: str,
    *,
    moved_by: int,
    listed_by: str = "runs/list_moves",
    **parameters: object,
) -> list[Row]:
    """Runs a statement that moves photos, in a transaction of the caller.

    Where photos are distributed, the statement writes down on each shard what is to be moved, and
    the rest happens there, so that no id has to be sent.

    Args:
        session: in a transaction.
        kind: of the rows: one for each pair of clusters, with photos moved.
        name: the statement.
        moved_by: the id of the run in whose name they are kept.
        listed_by: the statement that lists what a run moved as rows of that kind.
        parameters: what the statement needs.
    """
    if not session.distributed:
        return session.fetch_as(kind, name, **parameters)
    session.execute(name, **parameters)
    session.execute("moves/apply", run_id=moved_by)
    session.execute("moves/forget_unmoved", run_id=moved_by)
    session.execute("moves/sum_up", run_id=moved_by)
    return session.fetch_as(kind, listed_by, run_id=moved_by)


def prune_moves(session: Session, *, keep: int) -> None:
    """Forgets what all but the newest runs moved; `keep` is how many are kept."""
    if session.distributed:
        session.execute("moves/prune", keep=keep)
    session.execute("runs/prune_moves", keep=keep)
