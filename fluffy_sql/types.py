"""Results that pass between the layers; all frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class PhotosAlike:
    """Usable photos of a scope, in a cluster or not, with embeddings of one length (None: none)."""

    scope: int | None
    clustered: bool
    dimensions: int | None
    photos: int


@dataclass(frozen=True)
class LeftOut:
    """Photos of one length that a run gave no label."""

    dimensions: int
    photos: int
    zero_vectors: int


@dataclass(frozen=True)
class OneScope:
    """Whose photos or clusters are asked for; None: those that are nobody's own."""

    scope: int | None


def scope_order(scope: int | None) -> tuple[bool, int]:
    """What scopes are sorted by: nobody's own come first, the others by their numbers."""
    return scope is not None, scope or 0


@dataclass(frozen=True)
class Scope:
    """Whose photos they are (None: nobody's own), and how many are eligible."""

    scope: int | None
    eligible: int


@dataclass(frozen=True)
class Survey:
    """What there is to cluster.

    Attributes:
        scopes: photos that have an embedding and no cluster; each scope is clustered by itself.
            Nobody's own come first, the others by their numbers.
        dimensions: length of their embeddings; 0 where there are none.
        without_embedding: photos that stay out because they have none.
        clustered: photos that are in a cluster already.
    """

    scopes: tuple[Scope, ...]
    dimensions: int
    without_embedding: int
    clustered: int

    @property
    def eligible(self) -> int:
        """Photos of all scopes."""
        return sum(scope.eligible for scope in self.scopes)


@dataclass(frozen=True)
class StepReport:
    """One Lloyd step, as recorded and shown.

    Attributes:
        step: counted from 1 through the whole run.
        phase: `seed 1`, `refine`, `train`, ...
        batch_size: rows of the sample that were looked at.
        inertia: sum of squared distances of these rows to the centroids the step began with.
        centroid_movement: root mean square of how far the centroids moved.
        seconds: how long it took.
    """

    step: int
    phase: str
    batch_size: int
    inertia: float
    centroid_movement: float
    seconds: float


@dataclass(frozen=True)
class Checkpoint:
    """Where training is.

    Attributes:
        step: the last step taken.
        batch_size: rows of the sample that the next step looks at.
        centroids: shape (k, dimensions), after the step.
    """

    step: int
    batch_size: int
    centroids: NDArray[np.float32]


@dataclass(frozen=True)
class Fit:
    """What an algorithm found; the labels themselves are in the work table.

    Attributes:
        labels: shape (clusters,), the labels in use; those of a scope side by side, the one with
            most photos first.
        scopes: the scope of each label.
        centroids: shape (clusters, dimensions), float32, in the order of `labels`.
        photos: shape (clusters,), how many photos have each label; none is 0.
        inertia: sum of squared distances of all photos to their centroids.
        iterations: steps it took, all restarts included.
        converged: whether it ended by its tolerance and not by the limit on iterations.
        recall: share of a sample of photos that have the label of their nearest centroid; None
            where an algorithm does not go by that.
        least_recall: share that is promised, and checked before the result is committed.
        digest: of the embeddings that were labelled; None where an algorithm makes none.
    """

    labels: NDArray[np.intp]
    scopes: tuple[int | None, ...]
    centroids: NDArray[np.float32]
    photos: NDArray[np.int64]
    inertia: float
    iterations: int
    converged: bool
    recall: float | None = None
    least_recall: float = 0.0
    digest: str | None = None

    @classmethod
    def of_nothing(cls, dimensions: int) -> Fit:
        """Where there is no photo to label."""
        return cls(
            labels=np.empty(0, dtype=np.intp),
            scopes=(),
            centroids=np.empty((0, dimensions), dtype=np.float32),
            photos=np.empty(0, dtype=np.int64),
            inertia=0.0,
            iterations=0,
            converged=True,
        )


@dataclass(frozen=True)
class Quality:
    """How good a partition is.

    Attributes:
        photos: how many it has.
        clusters: how many of them have photos.
        smallest: photos in the smallest cluster.
        largest: photos in the largest cluster.
        photos_measured: photos of the sample that the silhouette was measured on.
        inertia: sum of squared distances of these photos to their centroids.
        silhouette: simplified silhouette, -1 to 1; the nearer to 1 the better.
        davies_bouldin: the smaller the better.
        calinski_harabasz: the larger the better.

    The last three are None where there is one cluster only, or none can be computed.
    """

    photos: int
    clusters: int
    smallest: int
    largest: int
    photos_measured: int
    inertia: float
    silhouette: float | None
    davies_bouldin: float | None
    calinski_harabasz: float | None


@dataclass(frozen=True)
class ClusterQuality:
    """How good one cluster is; the silhouette is that of a sample of its photos."""

    label: int
    photos_measured: int
    silhouette: float | None
    davies_bouldin: float | None


@dataclass(frozen=True)
class OldCluster:
    """A cluster that was there before a recluster."""

    id: int
    scope: int | None
    photos: int
    centroid: NDArray[np.float32] | None


@dataclass(frozen=True)
class Shared:
    """How many photos a new cluster, by its place, shares with an old one (None: were in none)."""

    place: int
    cluster_id: int | None
    photos: int


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


@dataclass(frozen=True)
class RunQuality:
    """The quality of a run as it is kept and shown."""

    silhouette: float | None
    davies_bouldin: float | None
    calinski_harabasz: float | None
    smallest_cluster: int
    largest_cluster: int
    photos_measured: int


@dataclass(frozen=True)
class Candidate:
    """One k of a sweep, with the names `sweep --json` uses.

    Attributes:
        k: how many clusters were asked for.
        clusters: how many have photos.
        inertia: sum of squared distances of the photos measured to their centroids.
        silhouette: simplified silhouette; as for `Quality`.
        davies_bouldin: as for `Quality`.
        calinski_harabasz: as for `Quality`.
        smallest_cluster: photos measured in the smallest cluster.
        largest_cluster: photos measured in the largest cluster.
        stability: adjusted Rand index of two trainings with different seeds.
        seconds: how long both took, and measuring them.
    """

    k: int
    clusters: int
    inertia: float
    silhouette: float | None
    davies_bouldin: float | None
    calinski_harabasz: float | None
    smallest_cluster: int
    largest_cluster: int
    stability: float
    seconds: float


@dataclass(frozen=True)
class Suggestion:
    """A k, and what speaks for it or against it."""

    suggested_k: int
    measures_agree: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class SweepResult:
    """A sweep, with the names `sweep --json` uses.

    Attributes:
        photos: how many the library has that could be clustered.
        photos_trained: how many of them each k was trained on.
        photos_measured: how many of these it was measured on.
        left_out: values of k that were not tried, since there are no more photos than that.
        interrupted: whether it was stopped before all k were tried.
    """

    suggested_k: int
    measures_agree: bool
    reasons: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    metric: str
    seed: int
    photos: int
    photos_trained: int
    photos_measured: int
    left_out: tuple[int, ...]
    interrupted: bool
    seconds: float


@dataclass(frozen=True)
class RunResult:
    """A finished run, with the names `generate --json` uses.

    Attributes:
        run_id: None where none was recorded: nothing to do, or a dry run.
        kind: `generate` or `recluster`.
        dry_run: whether it was taken back.
        scopes: of how many scopes its photos were; each is clustered by itself.
        changes: clusters and moves in detail, of a recluster and of a dry run.
        vector_indexes: indexes on embeddings that had to be written for each photo.
    """

    run_id: int | None
    kind: str
    dry_run: bool
    algorithm: str
    metric: str
    seed: int
    k_requested: int
    scopes: int
    clusters_created: int
    clusters_kept: int
    clusters_emptied: int
    photos_processed: int
    photos_moved: int
    skipped: dict[str, int]
    inertia: float | None
    iterations: int
    converged: bool | None
    recall: float | None
    quality: RunQuality | None
    embeddings_digest: str | None
    changes: Changes | None
    seconds: dict[str, float]
    vector_indexes: tuple[str, ...] = ()


@dataclass(frozen=True)
class AssignOptions:
    """Which photos are placed, and where.

    Attributes:
        max_distance: the farthest a photo may lie from the centroid; None: no limit of this kind.
        within: as far as this percentage of a cluster's photos lay at training; None likewise.
        metric: only clusters of this metric take photos; None: there may be one metric only.
        moved: whether photos that changed since a run placed them may be placed again.
        dry_run: whether all is undone at the end.
    """

    max_distance: float | None = None
    within: int | None = None
    metric: str | None = None
    moved: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class NamedMove:
    """Photos that went from one cluster (None: from none) to another."""

    from_cluster_id: int | None
    from_name: str | None
    to_cluster_id: int
    to_name: str | None
    photos: int


@dataclass(frozen=True)
class AssignResult:
    """What was placed, with the names `assign --json` uses.

    Attributes:
        run_id: the run that recorded it; None: nothing changed, or it was a dry run.
        clusters: how many active clusters photos were compared with.
        photos_assigned: photos that are in another cluster now, or would be; `moves` has them.
        photos_left: photos with an embedding that are still in no cluster, `left` says why.
        skipped: photos in no cluster that were not looked at, by reason.
        moves: from where to where, most photos first.
        vector_indexes: indexes on embeddings that had to be written for each photo.
    """

    run_id: int | None
    dry_run: bool
    metric: str | None
    max_distance: float | None
    within: int | None
    clusters: int
    photos_assigned: int
    photos_left: int
    left: dict[str, int]
    skipped: dict[str, int]
    moves: tuple[NamedMove, ...]
    seconds: dict[str, float]
    vector_indexes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """Something wrong in a database.

    Attributes:
        check: the check that found it.
        found: what is wrong, in a sentence without its full stop.
        remedy: what `--repair` does about it, as in "counted anew"; None: nothing.
        repaired: whether that was done.
    """

    check: str
    found: str
    remedy: str | None
    repaired: bool = False


@dataclass(frozen=True)
class CheckResult:
    """What was looked at and found, with the names `check --json` uses.

    Attributes:
        ok: nothing is wrong, or not any more.
        checks: what was looked at.
        photos_compared: whose nearest centroid was looked for: a sample of those that runs placed
            and whose embedding is as it was then.
        notes: what one should know, and nothing is wrong with.
    """

    ok: bool
    checks: tuple[str, ...]
    findings: tuple[Finding, ...]
    photos_compared: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportResult:
    """A report that was written, with the names `report --json` uses.

    Attributes:
        out: the folder, as it was named.
        index: the page in it.
        root: the folder photos were looked for in.
        clusters: shown with photos.
        clusters_in_scope: of which the overview tells.
        second_look: reasons for a second look.
        photos_shown: photos that could be read.
        unreadable: photos that could not, by reason.
    """

    out: str
    index: str
    page_bytes: int
    root: str
    clusters: int
    clusters_in_scope: int
    second_look: int
    photos_shown: int
    photos_unreadable: int
    unreadable: dict[str, int]
    contact_sheets: int
    contact_sheet_bytes: int
    seconds: float


@dataclass(frozen=True)
class RunDetails:
    """One run, with the names `runs show --json` uses."""

    run: dict[str, Any]
    steps: tuple[dict[str, Any], ...]
    clusters: tuple[ClusterChange, ...]
    moves: tuple[Move, ...]


@dataclass(frozen=True)
class RunDifference:
    """Two runs compared, with the names `runs diff --json` uses.

    Attributes:
        runs: their ids.
        values: settings and measures that differ, of the first and of the second.
        moves: what runs moved from the end of the earlier to the end of the later.
    """

    runs: tuple[int, int]
    values: dict[str, tuple[Any, Any]]
    moves: tuple[Move, ...]


@dataclass(frozen=True)
class UndoResult:
    """A run taken back, with the names `runs undo --json` uses.

    Attributes:
        run_id: the run that did it.
        undone: the run that was taken back.
        photos_left: photos that stay where they are, since somebody moved, pinned or deleted them.
    """

    run_id: int
    undone: int
    photos_moved: int
    photos_left: int
    clusters_restored: int
    clusters_deleted: int
    seconds: float


@dataclass(frozen=True)
class DistributedTable:
    """A table as Citus has it.

    Attributes:
        name: the table.
        distributed_by: the column that says on which shard a row lies; None: every server has a
            whole copy.
        shards: how many; 1 for a table that every server has.
    """

    name: str
    distributed_by: str | None
    shards: int


@dataclass(frozen=True)
class DistributeResult:
    """What `distribute` made of a database, with the names `distribute --json` uses.

    Attributes:
        tables: ours, as they are now.
        changed: names of those that were not so before.
    """

    tables: tuple[DistributedTable, ...]
    changed: tuple[str, ...]
