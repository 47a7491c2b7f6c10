"""The clusters there are, and the photos of one."""

from dataclasses import dataclass
from datetime import datetime

from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.survey import ScopeFilter


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster, with the names `clusters --json` uses.

    Attributes:
        scope: that it belongs to; None: unscoped.
        name: what you call it.
        status: 0 active; 1 unusable, set by you.
        retired_by: the recluster that left it without photos: it takes none until a run brings it
            back; None: it is not retired.
        photos_count: how many photos it has.
        photos_not_compared: of these, usable photos without a distance to the centroid: with no
            embedding, one of another length, or one of zeros.
        mean_distance, max_distance: of its photos to its centroid, in the metric of its run; None:
            it has none.
        silhouette, davies_bouldin: as its run measured it; None: not measured, or without photos.
        central_photo: the path of the photo nearest to the centroid.
        run_id: the run that its centroid comes from; None: not made by a run.
        parent_ids: the groups that it is in at coarser levels, the next one first, each with the id
            of its largest cluster; None: its run has none.
    """

    id: int
    scope: int | None
    name: str | None
    status: int | None
    retired_by: int | None
    photos_count: int | None
    photos_not_compared: int
    mean_distance: float | None
    max_distance: float | None
    silhouette: float | None
    davies_bouldin: float | None
    central_photo: str | None
    run_id: int | None
    parent_ids: list[int] | None
    created_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Member:
    """A photo of a cluster.

    Attributes:
        rank: 1 is the photo nearest to the centroid.
        distance: to the centroid, in the metric of the cluster's run; None: the two can't be
            compared.
    """

    photo_id: int
    path: str | None
    rank: int
    distance: float | None


def list_clusters(
    session: Session,
    *,
    run_id: int | None = None,
    scope: ScopeFilter | None = None,
    limit: int | None = None,
) -> list[Cluster]:
    """The largest clusters, of a run and of a scope if one is given."""
    return session.fetch_as(
        Cluster,
        "runs/list_clusters",
        run_id=run_id,
        every_scope=scope is None,
        scope=scope.scope if scope else None,
        most=limit,
    )


def list_members(session: Session, cluster_id: int, limit: int | None = None) -> list[Member]:
    """The photos of a cluster, most typical first; none if there is no such cluster."""
    return session.fetch_as(Member, "runs/list_members", cluster_id=cluster_id, most=limit)
