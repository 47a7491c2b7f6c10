"""Deletes clusters that a recluster retired and that nobody needs."""

from dataclasses import dataclass

from fluffy_sql.postgres.schema import require_current_schema
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.transaction import LockLimits, final_transaction
from fluffy_sql.runs.lock import only_run


@dataclass(frozen=True, kw_only=True)
class RetiredCluster:
    """A retired cluster, and what speaks for keeping it.

    Attributes:
        retired_by: the run that left it without photos.
        name: what you call it.
        set_aside: whether a person set its status.
        has_photos: whether there are photos in it, put there by hand.
        referenced_by: tables other than photos with rows that refer to it.
    """

    cluster_id: int
    retired_by: int
    name: str | None
    set_aside: bool
    has_photos: bool
    referenced_by: list[str] | None

    @property
    def reasons(self) -> list[str]:
        """Why somebody may miss it; none: it can be deleted."""
        found = {
            "it has a name": self.name is not None,
            "somebody set its status": self.set_aside,
            "photos are in it": self.has_photos,
            f"rows of {', '.join(self.referenced_by or ())} refer to it": bool(self.referenced_by),
        }
        return [reason for reason, holds in found.items() if holds]


@dataclass(frozen=True)
class PruneResult:
    """What was deleted and what was not, with the names `clusters prune --json` uses.

    Attributes:
        dry_run: whether it was rolled back.
        pruned: ids of the clusters that are deleted, or would be.
        kept: the retired clusters that stay.
    """

    dry_run: bool
    pruned: tuple[int, ...]
    kept: tuple[RetiredCluster, ...]


def prune_clusters(session: Session, limits: LockLimits, *, dry_run: bool = False) -> PruneResult:
    """Deletes retired clusters without a name, a status, photos and rows that refer to them.

    A run that is undone afterwards can't put photos back into them.

    Args:
        session: opened to work, outside of any transaction.
        limits: how long the transaction may wait for locks and hold them.
        dry_run: whether all is rolled back at the end.

    Raises:
        SchemaError: the database is not migrated.
        BusyError: a run is at work in this library.
        DatabaseError: Postgres refused a statement.
    """
    require_current_schema(session)
    with (
        only_run(session),
        final_transaction(session, limits, old_clusters=True, force_rollback=dry_run),
    ):
        session.execute("runs/lock_retired")
        retired = session.fetch_as(RetiredCluster, "runs/list_retired")
        pruned = [cluster.cluster_id for cluster in retired if not cluster.reasons]
        session.execute("runs/delete_retired", cluster_ids=pruned)
    kept = tuple(cluster for cluster in retired if cluster.reasons)
    return PruneResult(dry_run, tuple(pruned), kept)
