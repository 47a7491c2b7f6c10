"""The port for algorithms: what one is given, what it gives back, and how it is found by name.

An algorithm labels photos in the run's work table; one service measures and commits them, whatever
the algorithm. docs/architecture.md says how to write one, `examples/` has a small one.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict

from fluffy_sql.plugins import Plugins
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.workers import Workers

if TYPE_CHECKING:  # settings are checked without NumPy
    import numpy as np
    from numpy.typing import NDArray

# The label of a photo that is left out on purpose.
LEFT_OUT = -1


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
        keeps_neighbours: whether the neighbours in work_neighbours are those of all usable photos,
            and are kept.
        digest: of the embeddings that were labelled; None: none was made.
        levels: coarser levels, nested, the next one first: of each, shape (clusters,), the numbers
            of the groups that the clusters are in.
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
    keeps_neighbours: bool = False
    digest: str | None = None
    levels: "Sequence[NDArray[np.intp]]" = ()

    @classmethod
    def of_nothing(cls, dimensions: int) -> Self:
        """There was no photo to label."""
        import numpy as np  # noqa: PLC0415 - as above

        return cls(
            labels=np.empty(0, dtype=np.intp),
            scopes=(),
            centroids=np.empty((0, dimensions), dtype=np.float32),
            photos=np.empty(0, dtype=np.int64),
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
    """One way to cluster. Packages add theirs as an entry point of the group of ALGORITHMS.

    Attributes:
        settings: the class of its settings.
        least_recall: share of its photos that every run promises to put at their nearest centroid,
            which `check` then looks at; None: it does not go by that.
        k_is_exact: whether it makes as many clusters as were asked for, unless there are fewer
            different embeddings.
        recall_of: what `Fit.recall` is a share of, for people, if it is below 1.
        wanted_recall: a run that has less says so.
    """

    settings: type[Settings]
    least_recall: ClassVar[float | None] = None
    k_is_exact: ClassVar[bool] = True
    wanted_recall: ClassVar[float] = 0.0
    recall_of: ClassVar[str] = (
        "the photos checked, {} are at their nearest centroid; with this many clusters, a photo is"
        " compared only with those around it."
    )

    @abstractmethod
    def fit(self, task: Task[Settings]) -> Fit:
        """Labels photos and says what it found.

        It writes photo_id, label and row_version (the xmin of the photo's row when it was read)
        into the table work_assignments, each photo once; distance and fingerprint if it knows
        them. `fluffy_sql.runs.labels.fit_of_labels` then makes the rest of them. Labels are
        integers from 0 up; photos of two scopes never share one.

        A photo that it leaves out on purpose has the label LEFT_OUT, or none at all, and is counted
        by reason in `Fit.left_out`. It stays without a cluster; a recluster takes one that has the
        label out of its cluster, and leaves one without any as it is.
        """

    def k_requested(self, settings: Settings) -> int | None:
        """How many clusters were asked for, for the record; None: not fixed beforehand."""
        del settings
        return None


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A number that a sweep has of each candidate, as `--json`, tables and charts show it.

    Attributes:
        name: of the candidate's field.
        title: in words.
        heading: the same, short.
        digits: how many are worth telling behind the point.
        hint: which way it is better, beside its chart; empty: it has none.
        explained: what it is, below the charts.
    """

    name: str
    title: str
    heading: str
    digits: int = 0
    hint: str = ""
    explained: str = ""

    def of(self, candidate: "Candidate") -> float | None:
        """The number; None: it is undefined there."""
        value: float | None = getattr(candidate, self.name)
        return value


@dataclass(frozen=True, kw_only=True)
class Swept:
    """The setting that sweeps of an algorithm walk, and what they measure.

    Attributes:
        setting: its name, which candidates have a field of.
        usual: the range that is tried if none is asked for, as in `5..200`; empty: the algorithm
            finds values in the photos.
        least: the smallest that can be tried, or for fractions, what they are above.
        whole: whether it is a whole number.
        measures: of each candidate, the most important first.
    """

    setting: str
    usual: str
    least: int
    whole: bool
    measures: tuple[Measure, ...]


class Candidate(Protocol):
    """A value that was tried: a dataclass that has it and its measures as fields."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


@dataclass(frozen=True)
class Suggestion:
    """Which value to take, and what speaks for it or against it; None: no one is better."""

    value: float | None
    measures_agree: bool
    reasons: tuple[str, ...]

    @classmethod
    def nothing(cls, why: str) -> Self:
        """No value is better than the others."""
        return cls(None, measures_agree=False, reasons=(why,))


class Sweep(Protocol):
    """A sweep that is prepared, of the photos of a task.

    Attributes:
        values: that are to be tried, rising.
        left_out: that are not, since there are no more photos than that.
        photos: on how many each is tried.
    """

    values: Sequence[float]
    left_out: Sequence[float]
    photos: int

    def try_value(self, value: float) -> Candidate:
        """Measures one."""

    def suggest(self, candidates: Sequence[Any]) -> Suggestion:
        """One of those that were tried, at least one, in their order."""

    def basis(self, candidates: Sequence[Any]) -> str:
        """How they were tried, for people: `each trained twice on 600 photos`."""


@runtime_checkable
class HasSweep(Protocol):
    """An algorithm that has a setting to try values of."""

    swept: Swept

    def sweep(self, task: Task[Any], values: Sequence[float]) -> AbstractContextManager[Sweep]:
        """Prepares to try values, rising; none: those that it finds in the photos.

        Work tables are empty afterwards, and no cluster is written.
        """


ALGORITHMS = Plugins(
    Algorithm,
    "clustering.algorithm",
    "fluffy_sql.algorithms",
    {
        "dbscan": "fluffy_sql.graph.dbscan:DBSCAN",
        "kmeans": "fluffy_sql.kmeans.kmeans:KMeans",
        "leiden": "fluffy_sql.graph.leiden:Leiden",
    },
)


def algorithm_named(name: str) -> Algorithm[AlgorithmSettings]:
    """The algorithm that the settings name.

    Raises:
        SettingsError: there is none of that name, or it can't be loaded.
    """
    algorithm: Algorithm[AlgorithmSettings] = ALGORITHMS.load(name)()
    return algorithm
