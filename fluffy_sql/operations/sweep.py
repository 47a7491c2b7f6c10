"""SweepService: trains on one sample for many k, measures each, and writes no cluster."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fluffy_sql.algorithms import Task
from fluffy_sql.errors import LibraryError
from fluffy_sql.kmeans.sample import Sample
from fluffy_sql.kmeans.training import Training
from fluffy_sql.operations.k_selection import Candidate, suggest
from fluffy_sql.postgres.schema import require_current_schema
from fluffy_sql.postgres.session import DEFAULT_SCHEMA, Session
from fluffy_sql.postgres.workers import Workers
from fluffy_sql.runs.lock import only_run
from fluffy_sql.runs.progress import Progress
from fluffy_sql.runs.quality import measure_trainings
from fluffy_sql.runs.survey import (
    PhotoGroup,
    require_one_length,
    require_one_scope,
    require_steady_view,
    survey,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fluffy_sql.algorithms import Checkpoint, StepReport
    from fluffy_sql.runs.survey import ScopeFilter
    from fluffy_sql.settings import ClusteringSettings

# Rows of the sample that every k is measured on, and so many for each cluster of the largest k.
_MEASURED_ROWS = 8_192
_MEASURED_ROWS_PER_CLUSTER = 16
_LARGEST_SEED = 2**63 - 1


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


class SweepService:
    """Tries several k on all usable photos of one database, in a cluster or not.

    Args:
        url: address of the database, as libpq takes it.
        settings: everything but k.
        schema: where everything of ours lies.
        connections: how many connections share the work.
        progress: hears how it goes.
    """

    def __init__(
        self,
        url: str,
        settings: ClusteringSettings,
        *,
        schema: str = DEFAULT_SCHEMA,
        connections: int = 2,
        progress: Progress | None = None,
    ) -> None:
        self._url = url
        self._schema = schema
        self._settings = settings
        self._connections = connections
        self._progress = progress or Progress()

    def sweep(self, ks: Sequence[int], scope: ScopeFilter | None = None) -> SweepResult:
        """Trains twice for each k, measures the first training, and suggests a k.

        All k share one sample: that of the largest. Where it is interrupted after the first k, the
        result has what was measured so far.

        Args:
            ks: at least 2 each; those that are no smaller than the library are left out.
            scope: whose photos; None: there may be one scope only.

        Raises:
            SchemaError: the database is not migrated.
            BusyError: a run or another sweep is at work in this database.
            LibraryError: there are too few photos, or their embeddings are of several lengths, or
                they are of several scopes.
            DatabaseError: Postgres refused a statement.
        """
        with Session.open(self._url, schema=self._schema) as session:
            require_current_schema(session)
            with only_run(session):
                self._progress.phase("survey")
                require_steady_view(session)
                photos = session.fetch_as(PhotoGroup, "survey/count_photos")
                if scope:
                    photos = [alike for alike in photos if alike.scope == scope.scope]
                found = survey(photos, reclustered=True)
                require_one_scope([of.scope for of in found.scopes], scope, "photos")
                self._progress.surveyed(found)
                require_one_length(photos, reclustered=True)
                tried = sorted({k for k in ks if k < found.eligible})
                if not tried:
                    raise LibraryError(
                        f"there are {found.eligible:,} photos with an embedding, too few for"
                        f" k = {min(ks):,}; import more, or sweep smaller k"
                    )
                with Workers.open(self._url, self._connections, schema=self._schema) as workers:
                    log = _Log(self._progress)
                    task = Task(session, workers, found, self._settings, log, reclusters=True)
                    return _Sweep(task, tried, sorted(set(ks) - set(tried)), self._progress).run()


class _Sweep:
    """One sweep: what all of its trainings share."""

    def __init__(self, task: Task, ks: list[int], left_out: list[int], progress: Progress) -> None:
        self._task = task
        self._ks = ks
        self._left_out = left_out
        self._progress = progress
        self._candidates: list[Candidate] = []
        self._measured = 0

    def run(self) -> SweepResult:
        begun = time.perf_counter()
        interrupted = False
        self._progress.phase("sample")
        with Sample.drawn(self._task, self._ks[-1]) as sample:
            if not sample.size:
                raise LibraryError(
                    "all embeddings are zero vectors, which have no direction to compare;"
                    " embed the photos again, or choose the metric l2"
                )
            try:
                for k in self._ks:
                    self._candidates.append(self._try(sample, k))
            except KeyboardInterrupt:
                if not self._candidates:
                    raise
                interrupted = True
        suggestion = suggest(self._candidates, sample.size)
        return SweepResult(
            suggested_k=suggestion.suggested_k,
            measures_agree=suggestion.measures_agree,
            reasons=suggestion.reasons,
            candidates=tuple(self._candidates),
            metric=self._task.settings.metric,
            seed=self._task.settings.seed,
            photos=self._task.survey.eligible,
            photos_trained=sample.size,
            photos_measured=self._measured,
            left_out=tuple(self._left_out),
            interrupted=interrupted,
            seconds=round(time.perf_counter() - begun, 3),
        )

    def _try(self, sample: Sample, k: int) -> Candidate:
        begun = time.perf_counter()
        self._progress.trying(k)
        seed = self._task.settings.seed
        first = self._train(sample, k, seed)
        second = self._train(sample, k, (seed + 1) % _LARGEST_SEED)
        quality, stability = measure_trainings(
            self._task,
            sample,
            first,
            second,
            max(_MEASURED_ROWS, _MEASURED_ROWS_PER_CLUSTER * self._ks[-1]),
        )
        self._measured = quality.photos_measured
        return Candidate(
            k=k,
            clusters=quality.clusters,
            inertia=round(quality.inertia, 6),
            silhouette=quality.silhouette,
            davies_bouldin=quality.davies_bouldin,
            calinski_harabasz=quality.calinski_harabasz,
            smallest_cluster=quality.smallest,
            largest_cluster=quality.largest,
            stability=round(stability, 6),
            seconds=round(time.perf_counter() - begun, 3),
        )

    def _train(self, sample: Sample, k: int, seed: int) -> NDArray[np.float32]:
        """Centroids of one training, which is for no more photos than the sample has."""
        training = Training(self._task, sample, k=k, seed=seed, photos=sample.size)
        return training.lift(training.train().centroids)


class _Log:
    """Tells steps; a sweep leaves no record in the database."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def phase(self, name: str) -> None:
        """Phases of a training are told by its steps."""

    def step(self, report: StepReport) -> None:
        self._progress.step(report)

    def photos(self, done: int) -> None:
        """A sweep has no final pass."""

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """A sweep can't be continued."""
