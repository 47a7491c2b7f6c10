"""The port for algorithms: what one is given, what it gives back, and how it is found by name.

An algorithm labels photos in the run's work table; one service measures and commits them, whatever
the algorithm. docs/architecture.md says how to write one, `examples/` has a small one.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from fluffy_sql.plugins import load_named
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.workers import Workers

if TYPE_CHECKING:  # settings are checked without NumPy
    import numpy as np
    from numpy.typing import NDArray

# Packages name theirs under it, as in `dbscan = "my_package:DBSCAN"`.
ENTRY_POINTS = "fluffy_sql.algorithms"
_BUILT_IN = EntryPoints(
    [
        EntryPoint("kmeans", "fluffy_sql.kmeans.kmeans:KMeans", ENTRY_POINTS),
        EntryPoint("leiden", "fluffy_sql.graph.leiden:Leiden", ENTRY_POINTS),
    ]
)


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
        dimensions: length of their embeddings; 0 if there are none.
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
    """The state of a training.

    Attributes:
        step: the last step taken.
        batch_size: rows of the sample that the next step looks at.
        centroids: shape (k, dimensions), after the step.
    """

    step: int
    batch_size: int
    centroids: "NDArray[np.float32]"


@dataclass(frozen=True)
class Fit:
    """What an algorithm found; the labels themselves are in the work table.

    Attributes:
        labels: shape (clusters,), the labels in use; those of a scope side by side, the one with
            most photos first.
        scopes: the scope of each label.
        centroids: shape (clusters, dimensions), float32, in the order of `labels`.
        photos: shape (clusters,), how many photos have each label; none is 0.
        left_out: photos that were left without a label on purpose, by reason.
        inertia: sum of squared distances of all photos to their centroids; None: not measured.
        iterations: steps it took, all restarts included; None: it takes none.
        converged: whether it ended by its tolerance and not by the limit on iterations; None: it
            has neither.
        recall: share of a sample of photos that have the label of their nearest centroid, or what
            else the algorithm's `recall_of` says; None: nothing was measured.
        least_recall: share that is promised, and checked before the result is committed.
        by_centroid: whether distances to centroids say how good a cluster is; if not, silhouette
            and the like are not measured.
        digest: of the embeddings that were labelled; None: none was made.
    """

    labels: "NDArray[np.intp]"
    scopes: tuple[int | None, ...]
    centroids: "NDArray[np.float32]"
    photos: "NDArray[np.int64]"
    left_out: Mapping[str, int] = field(default_factory=dict)
    inertia: float | None = None
    iterations: int | None = None
    converged: bool | None = None
    recall: float | None = None
    least_recall: float = 0.0
    by_centroid: bool = True
    digest: str | None = None

    @classmethod
    def of_nothing(cls, dimensions: int, left_out: Mapping[str, int] | None = None) -> Self:
        """There was no photo to label."""
        import numpy as np  # noqa: PLC0415 - as above

        return cls(
            labels=np.empty(0, dtype=np.intp),
            scopes=(),
            centroids=np.empty((0, dimensions), dtype=np.float32),
            photos=np.empty(0, dtype=np.int64),
            left_out=left_out or {},
        )


class RunObserver(Protocol):
    """Receives an algorithm's progress."""

    def phase(self, name: str) -> None:
        """A phase begins."""

    def step(self, report: StepReport) -> None:
        """A step is done."""

    def photos(self, done: int) -> None:
        """This many more photos have their label."""

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Training can be resumed from here."""


class AlgorithmSettings(BaseModel):
    """Settings of one algorithm: the section `clustering.<name>`. Subclass it; all have defaults.

    The `description` of a field says what is allowed, for messages.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Settings = TypeVar("Settings", bound=AlgorithmSettings)


@dataclass(frozen=True)
class Task(Generic[Settings]):
    """Everything an algorithm may use.

    Attributes:
        session: the run's main connection, for statements that are not split.
        workers: connections that share the large ones.
        survey: how many photos there are, whose, and of which dimensions.
        settings: the algorithm's own.
        metric: `cosine` or `l2`.
        seed: of all random numbers, from 0 up.
        log: receives its progress.
        reclusters: whether photos that are in a cluster are clustered again, too.
        start: by scope, of shape (clusters, dimensions), centroids to start from; a scope that has
            none starts from nothing. Algorithms without centroids ignore them.
        resume: the point an earlier run reached; None: a run from the beginning.
    """

    session: Session
    workers: Workers
    survey: Survey
    settings: Settings
    metric: str
    seed: int
    log: RunObserver
    reclusters: bool = False
    start: "Mapping[int | None, NDArray[np.float32]]" = field(default_factory=dict)
    resume: Checkpoint | None = None

    @property
    def normalize(self) -> bool:
        """Whether embeddings are compared as unit vectors."""
        return self.metric == "cosine"

    @property
    def scope(self) -> int | None:
        """Whose photos they are, of a task for one scope."""
        [only] = self.survey.scopes
        return only.scope

    def of_scopes(self, scopes: Sequence[Scope]) -> Self:
        """The task for some of its scopes."""
        return replace(self, survey=replace(self.survey, scopes=tuple(scopes)))


class Algorithm(ABC, Generic[Settings]):
    """One way to cluster. Packages add theirs as an entry point of the group ENTRY_POINTS.

    Attributes:
        settings: the class of its settings.
        least_recall: share of its photos that every run promises to put at their nearest centroid,
            which `check` then looks at; None: it does not go by that.
        k_is_exact: whether it makes as many clusters as were asked for, unless there are fewer
            different embeddings.
        recall_of: what `Fit.recall` is a share of, for people, if it is below 1.
    """

    settings: type[Settings]
    least_recall: ClassVar[float | None] = None
    k_is_exact: ClassVar[bool] = True
    recall_of: ClassVar[str] = (
        "the photos checked, {} are at their nearest centroid; with this many clusters, a photo is"
        " compared only with those around it."
    )

    @abstractmethod
    def fit(self, task: Task[Settings]) -> Fit:
        """Labels photos and says what it found.

        It writes photo_id, label and row_version (the xmin of the photo's row when it was read)
        into the table work_assignments, each photo once; distance and fingerprint if it knows
        them. `fluffy_sql.runs.labels.fit_of_labels` then makes the rest of them. Labels are any
        integers; photos of two scopes never share one.

        A photo that it leaves out on purpose stays without a cluster, and is counted by reason in
        `Fit.left_out`.
        """

    def k_requested(self, settings: Settings) -> int | None:
        """How many clusters were asked for, for the record; None: not fixed beforehand."""
        del settings
        return None


@cache
def _installed() -> EntryPoints:
    """Those of other packages; kept, since finding them reads a file of each package."""
    return entry_points(group=ENTRY_POINTS)


def algorithm_names() -> list[str]:
    """Names of all that are there, sorted."""
    return sorted({*_BUILT_IN.names, *_installed().names})


def algorithm_named(name: str) -> Algorithm[AlgorithmSettings]:
    """The algorithm that the settings name.

    Raises:
        SettingsError: there is none of that name, or it can't be loaded.
    """
    found = load_named("clustering.algorithm", name, Algorithm, _BUILT_IN, _installed())
    algorithm: Algorithm[AlgorithmSettings] = found()
    return algorithm
