"""What a report says about a library: frozen dataclasses, without pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fluffy_sql.operations.report.layout import Layout
from fluffy_sql.runs.owners import ScopeFilter

CENTRAL, BETWEEN, OUTERMOST = "central", "between", "outermost"
SECTIONS = (CENTRAL, BETWEEN, OUTERMOST)


@dataclass(frozen=True)
class Selection:
    """Which clusters a report is about, and how many photos it shows of each.

    Attributes:
        run_id: only those that this run made; None: of every run and of none.
        scope: only those of this scope; None: there may be one scope only.
        largest: show this many, the largest first; None: as many as a page can carry.
        cluster_ids: show just these; empty: as `largest` says.
        photos: most photos in each section of a cluster.
        compared_to: an earlier run; None: what was moved since is not shown.
    """

    run_id: int | None = None
    largest: int | None = None
    cluster_ids: tuple[int, ...] = ()
    scope: ScopeFilter | None = None
    photos: int = 12
    compared_to: int | None = None


@dataclass(frozen=True)
class Neighbour:
    """Another cluster that is near, and how far its centroid is."""

    cluster_id: int
    distance: float


@dataclass(frozen=True)
class Photo:
    """A photo of a cluster, or of a group of near-duplicates, to look at.

    Attributes:
        section: why it is shown: `central`, `between` or `outermost`; of near-duplicates
            `duplicate`, of moves `moved`.
        rank: 1 is the photo nearest to the centroid, or the best one.
        distance: to that; None if the two can't be compared.
        elsewhere: the nearest cluster but its own; None if there is none to compare it with.
    """

    photo_id: int
    path: str | None
    section: str
    rank: int
    distance: float | None
    elsewhere: Neighbour | None = None


@dataclass(frozen=True)
class Spread:
    """How far the photos of a cluster lie from its centroid, in the metric of its run."""

    measured: int
    mean: float
    largest: float
    lower_quartile: float
    upper_quartile: float


@dataclass(frozen=True)
class Cluster:
    """A cluster.

    Attributes:
        photos: how many usable photos it has.
        dimensions: length of its centroid; None if it has none.
        spread: None if no photo has a distance.
        silhouette: as its run measured it; None: it did not, or the cluster has no photos.
        retired: whether a recluster left it without photos.
        parent_ids: the groups that it is in at coarser levels, the next one first.
        neighbours: the nearest others that it can be compared with, nearest first.
    """

    id: int
    scope: int | None
    name: str | None
    status: int
    photos: int
    run_id: int | None
    metric: str
    dimensions: int | None
    silhouette: float | None
    retired: bool
    parent_ids: Sequence[int] = ()
    spread: Spread | None = None
    neighbours: tuple[Neighbour, ...] = ()


@dataclass(frozen=True)
class Shown:
    """A cluster that is shown with photos.

    Attributes:
        photos: to look at, by rank; each of them once.
    """

    cluster: Cluster
    photos: tuple[Photo, ...]

    def section(self, name: str) -> list[Photo]:
        """The photos of one section, most central first; of the outermost, the farthest first."""
        photos = [photo for photo in self.photos if photo.section == name]
        return photos[::-1] if name == OUTERMOST else photos


@dataclass(frozen=True)
class DuplicateGroup:
    """Near-duplicates, the best one first.

    Attributes:
        size: how many there are.
        photos: to look at.
    """

    group_id: int
    size: int
    photos: tuple[Photo, ...]


@dataclass(frozen=True)
class Duplicates:
    """Groups of near-duplicates.

    Attributes:
        groups: how many there are, and `photos` how many are in one.
        largest: those that are shown.
    """

    groups: int
    photos: int
    largest: tuple[DuplicateGroup, ...]


@dataclass(frozen=True)
class Move:
    """Photos that runs moved from one cluster to another; None: from or to none.

    Attributes:
        size: how many there are.
        photos: to look at.
    """

    from_cluster_id: int | None
    to_cluster_id: int | None
    size: int
    photos: tuple[Photo, ...]


@dataclass(frozen=True)
class Moves:
    """What runs moved since one ended.

    Attributes:
        found: how many moves there are, and `photos` how many photos they are of.
        largest: those that are shown.
    """

    run_id: int
    found: int
    photos: int
    largest: tuple[Move, ...]


@dataclass(frozen=True)
class Comparable:
    """Clusters whose distances can be compared: of one metric and one length of embeddings.

    Attributes:
        clusters: the one with most photos first.
        map: where the largest of them lie, in the same order; None if they all lie at one point,
            as a single one does.
        by_links: whether that is by the neighbours that a run kept, or by centroids.
    """

    metric: str
    dimensions: int | None
    clusters: tuple[Cluster, ...]
    map: Layout | None
    by_links: bool = False


@dataclass(frozen=True)
class SecondLook:
    """Why to look at a cluster again, or at several.

    Attributes:
        cluster_ids: one, or those that are nearly the same or empty together.
        kind: `too wide`, `too small`, `empty` or `nearly the same`.
        reason: one or two sentences.
    """

    cluster_ids: tuple[int, ...]
    kind: str
    reason: str


@dataclass(frozen=True)
class Library:
    """Everything a report says.

    Attributes:
        clusters: all that are in scope, the one with most photos first.
        shown: those of them that are shown with photos, in the same order.
        groups: the same clusters as `clusters`, by what they can be compared with.
        runs: that made them, newest first: rows of `sql/runs/list.sql`.
        second_look: the clearest cases.
        second_look_found: how many cases there are.
        duplicates: None if no group is known.
        moves: None if nobody asked.
        suggested: names for clusters that have none, by id.
    """

    clusters: tuple[Cluster, ...]
    shown: tuple[Shown, ...]
    groups: tuple[Comparable, ...]
    runs: tuple[dict[str, Any], ...]
    second_look: tuple[SecondLook, ...]
    second_look_found: int
    duplicates: Duplicates | None = None
    moves: Moves | None = None
    suggested: Mapping[int, str] = field(default_factory=dict)
