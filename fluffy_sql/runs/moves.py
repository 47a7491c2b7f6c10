"""Moves photos to other clusters and keeps which: in one statement, or on each shard."""

from collections.abc import Sequence
from dataclasses import dataclass

from fluffy_sql.postgres.session import Session


@dataclass(frozen=True)
class Move:
    """How many photos went from one cluster to another; None: they were in none."""

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
    session: Session, run_id: int, labels: Sequence[int], cluster_ids: Sequence[int | None]
) -> list[Move]:
    """Moves the photos in work_assignments to the clusters of their labels.

    One that changed since it was looked at, is pinned or is there already is left alone.

    Args:
        session: in a transaction.
        run_id: the run that moves are recorded under.
        labels: those to move; photos with another label stay.
        cluster_ids: of each label; None: into no cluster.

    Returns:
        How many photos went from one cluster to another, in no order.
    """
    wanted = {"run_id": run_id, "labels": list(labels), "cluster_ids": list(cluster_ids)}
    if not session.distributed:
        return session.fetch_as(Move, "commit/move_photos", **wanted)
    session.execute("citus/commit/note_moves", **wanted)
    session.execute("citus/commit/apply_moves", run_id=run_id)
    session.execute("citus/commit/forget_unmoved", run_id=run_id)
    return session.fetch_as(Move, "citus/commit/sum_up_moves", run_id=run_id)


def prune_moves(session: Session, *, keep: int) -> None:
    """Forgets what all but the newest runs moved; `keep` is how many are kept."""
    if session.distributed:
        session.execute("citus/commit/prune_photo_moves", keep=keep)
    session.send("commit/prune_moves", keep=keep)
