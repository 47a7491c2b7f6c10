"""The clusters there are, and the photos of one."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.owners import Owners, ScopeFilter


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster, with the names `clusters --json` uses.

    Attributes:
        scope: that it belongs to, as it is named; None: unscoped.
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
    scope: int | str | None
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
class Group:
    """A group of clusters at a coarser level, with the names `clusters --levels --json` uses.

    Attributes:
        id: of its largest cluster when its run ended.
        level: 1 is the next coarser one to clusters; 0: it is a cluster itself.
        parent_id: the group at the next coarser level that it is in; None: it is at the coarsest.
        scope, name, central_photo: of the cluster that it has the id of.
        clusters: how many are in it.
        photos_count: how many photos these have.
    """

    id: int
    level: int
    parent_id: int | None
    scope: int | str | None
    name: str | None
    clusters: int
    photos_count: int
    central_photo: str | None


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
    owners = Owners(session)
    asked = owners.find(scope)
    rows = session.fetch_all(
        "runs/list_clusters",
        run_id=run_id,
        every_scope=asked is None,
        scope=asked.scope if asked else None,
        most=limit,
    )
    return [Cluster(**{**row, "scope": owners.name(row["scope"])}) for row in rows]


def list_members(session: Session, cluster_id: int, limit: int | None = None) -> list[Member]:
    """The photos of a cluster, most typical first; none if there is no such cluster."""
    return session.fetch_as(Member, "runs/list_members", cluster_id=cluster_id, most=limit)


def group_clusters(clusters: Sequence[Cluster], limit: int | None = None) -> list[Group]:
    """Groups, each before those that it is made of, down to the clusters; the largest first.

    Clusters in no group are left out. At most `limit` groups of the coarsest level, if it is given.
    """
    of_runs = defaultdict(list)
    for cluster in clusters:
        if cluster.parent_ids:
            of_runs[cluster.run_id, len(cluster.parent_ids)].append(cluster)
    coarsest = [
        group for (_, level), members in of_runs.items() for group in _groups(members, level, None)
    ]
    coarsest.sort(key=_largest_first)
    return [group for groups in coarsest[:limit] for group in groups]


def _groups(clusters: Sequence[Cluster], level: int, parent_id: int | None) -> list[list[Group]]:
    """Groups at a level of clusters that are of one group at the next; each with what is in it."""
    members = defaultdict(list)
    for cluster in clusters:
        members[(cluster.id, *(cluster.parent_ids or ()))[level]].append(cluster)
    found = []
    for group_id, within in members.items():
        parts = _groups(within, level - 1, group_id) if level else []
        group = _group(group_id, level, parent_id, within)
        found.append([group, *(group for part in parts for group in part)])
    return sorted(found, key=_largest_first)


def _group(group_id: int, level: int, parent_id: int | None, members: Sequence[Cluster]) -> Group:
    # An application may have deleted the one that the group has the id of.
    named = next((cluster for cluster in members if cluster.id == group_id), members[0])
    return Group(
        id=group_id,
        level=level,
        parent_id=parent_id,
        scope=named.scope,
        name=named.name,
        clusters=len(members),
        photos_count=sum(cluster.photos_count or 0 for cluster in members),
        central_photo=named.central_photo,
    )


def _largest_first(groups: Sequence[Group]) -> tuple[int, int]:
    return -groups[0].photos_count, groups[0].id
