"""What an algorithm is: it labels photos in the run's work table; the service commits them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

import numpy as np

from fluffy_sql.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fluffy_sql.postgres.session import Session
    from fluffy_sql.postgres.workers import Workers
    from fluffy_sql.settings import ClusteringSettings


def scope_order(scope: int | None) -> tuple[bool, int]:
    """What scopes are sorted by: unscoped photos come first, the others by their numbers."""
    return scope is not None, scope or 0


@dataclass(frozen=True)
class Scope:
    """Whose photos they are (None: unscoped), and how many are eligible."""

    scope: int | None
    eligible: int


@dataclass(frozen=True)
class Survey:
    """What there is to cluster.

    Attributes:
        scopes: photos that have an embedding and no cluster; each scope is clustered by itself.
            Unscoped ones come first, the others by their numbers.
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


class RunObserver(Protocol):
    """Where an algorithm says how it goes."""

    def phase(self, name: str) -> None:
        """A phase begins."""

    def step(self, report: StepReport) -> None:
        """A step is done."""

    def photos(self, done: int) -> None:
        """So many more photos have their label."""

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Training could go on from here."""


@dataclass(frozen=True)
class Task:
    """Everything an algorithm may use.

    Attributes:
        session: the run's main connection, for statements that are not split.
        workers: connections that share the large ones.
        survey: how many photos there are, whose, and of which dimensions.
        settings: the clustering section of the settings.
        reclusters: whether photos that are in a cluster are clustered anew, too.
        start: by scope, of shape (clusters, dimensions), centroids to start from; a scope that has
            none starts from nothing. An algorithm without centroids pays no heed to them.
        resume: where an earlier run had come to; None: a run from the beginning.
        log: where it says how it goes.
    """

    session: Session
    workers: Workers
    survey: Survey
    settings: ClusteringSettings
    log: RunObserver
    reclusters: bool = False
    start: Mapping[int | None, NDArray[np.float32]] = field(default_factory=dict)
    resume: Checkpoint | None = None

    @property
    def scope(self) -> int | None:
        """Whose photos they are, of a task for one scope."""
        [only] = self.survey.scopes
        return only.scope

    def clusters_of(self, found: Scope) -> int:
        """How many clusters to make of one of its scopes."""
        return min(self.settings.k_for(found.scope), found.eligible)

    def of_scopes(self, scopes: Sequence[Scope]) -> Task:
        """The task for some of its scopes."""
        return replace(self, survey=replace(self.survey, scopes=tuple(scopes)))


class Algorithm(Protocol):
    """One way to cluster. Add another as a file of its own and name it in the registry."""

    def fit(self, task: Task) -> Fit:
        """Writes photo_id, label, distance and row_version of all it places.

        They go to the table work_assignments.

        A photo it leaves out (noise, say) stays without a cluster. Labels are any integers; photos
        of two scopes never share one. Work tables of its own are made in `sql/work_tables/` and
        dropped by it, whatever happens.
        """


_BUILT_IN = {"kmeans": "fluffy_sql.kmeans.kmeans:KMeans"}


def algorithm_named(name: str) -> Algorithm:
    """The algorithm that the settings name.

    Raises:
        SettingsError: there is none of that name.
    """
    if name not in _BUILT_IN:
        raise SettingsError(
            f"clustering.algorithm is {name!r}; allowed: {', '.join(sorted(_BUILT_IN))}"
        )
    module, _, kind = _BUILT_IN[name].partition(":")
    algorithm: Algorithm = getattr(import_module(module), kind)()
    return algorithm
