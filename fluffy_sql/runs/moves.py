"""Moves photos to other clusters and keeps who moved: in one statement, or on each shard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from fluffy_sql.postgres.session import Session

Row = TypeVar("Row")


@dataclass(frozen=True)
class Move:
    """So many photos went from one cluster to another; None: they were in none."""

    from_cluster_id: int | None
    to_cluster_id: int | None
    photos: int


@dataclass(frozen=True)
class ClusterChange:
    """What a run made of a cluster: `created`, `kept` or `emptied`."""

    cluster_id: int
    name: str | None
    change: str
    photos_before: int
    photos: int


@dataclass(frozen=True)
class Changes:
    """What a run changes; the largest moves first."""

    clusters: tuple[ClusterChange, ...]
    moves: tuple[Move, ...]

    def count(self, change: str) -> int:
        """How many clusters are `created`, `kept` or `emptied`."""
        return sum(cluster.change == change for cluster in self.clusters)

    @property
    def photos_moved(self) -> int:
        """How many photos change their cluster."""
        return sum(move.photos for move in self.moves)


def move_photos(
    session: Session,
    kind: type[Row],
    name: str,
    *,
    moved_by: int,
    listed_by: str = "commit/list_moves",
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
    session.execute("commit/apply_moves", run_id=moved_by)
    session.execute("commit/forget_unmoved", run_id=moved_by)
    session.execute("commit/sum_up_moves", run_id=moved_by)
    return session.fetch_as(kind, listed_by, run_id=moved_by)


def prune_moves(session: Session, *, keep: int) -> None:
    """Forgets what all but the newest runs moved; `keep` is how many are kept."""
    if session.distributed:
        session.execute("commit/prune_moves_of_shards", keep=keep)
    session.execute("commit/prune_moves", keep=keep)
