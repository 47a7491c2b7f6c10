"""Tries many k on one sample, measures each, and suggests one."""

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.algorithms import Algorithm, Checkpoint, StepReport, Survey, Task, algorithm_named
from fluffy_sql.errors import LibraryError, SettingsError
from fluffy_sql.operations.k_selection import Candidate, suggest
from fluffy_sql.postgres.schema import require_current_schema
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.workers import Workers
from fluffy_sql.runs.duplicates import set_aside
from fluffy_sql.runs.lock import only_run
from fluffy_sql.runs.progress import Progress
from fluffy_sql.runs.quality import Quality
from fluffy_sql.runs.survey import (
    PhotoGroup,
    ScopeFilter,
    require_one_length,
    require_one_scope,
    require_steady_view,
    survey,
)
from fluffy_sql.settings import ClusteringSettings, clustering_settings
from fluffy_sql.words import count

_LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True)
class SweepResult:
    """A sweep, with the names `sweep --json` uses.

    Attributes:
        photos: how many the library has that could be clustered.
        photos_trained: how many of them each k was trained on.
        left_out: values of k that were not tried, since there are no more photos than that.
        interrupted: whether it was stopped before all k were tried.
    """

    suggested_k: int | None
    measures_agree: bool
    reasons: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    metric: str
    seed: int
    photos: int
    photos_trained: int
    left_out: tuple[int, ...]
    interrupted: bool
    seconds: float


@dataclass(frozen=True, kw_only=True)
class SweepRequest:
    """Which k are tried, and on what.

    Attributes:
        ks: at least 2 each; those that are no smaller than the library are left out.
        settings: everything but k.
        scope: whose photos; None: there may be one scope only.
        connections: how many connections share the work.
        algorithm: used in place of the one that the settings name, with its settings.
    """

    ks: Sequence[int]
    settings: ClusteringSettings = field(default_factory=clustering_settings)
    scope: ScopeFilter | None = None
    connections: int = 2
    algorithm: Algorithm[Any] | None = None


class Trainings(Protocol):
    """What all trainings of a sweep share. `photos` is how many each k is trained on."""

    photos: int

    def train(self, k: int, seed: int) -> NDArray[np.float32]:
        """Centroids of one training, shape (k, dimensions)."""

    def measure(
        self, first: NDArray[np.float32], second: NDArray[np.float32]
    ) -> tuple[Quality, float]:
        """The quality of the first, and its adjusted Rand index with the second."""


@runtime_checkable
class HasTrainings(Protocol):
    """An algorithm that has a k to try."""

    def trainings(self, task: Task[Any], largest_k: int) -> AbstractContextManager[Trainings]:
        """Prepares trainings for any k up to the largest."""


def sweep(session: Session, request: SweepRequest, progress: Progress | None = None) -> SweepResult:
    """Trains twice for each k, measures the first training, and suggests a k; writes no cluster.

    All usable photos count, in a cluster or not. If it is interrupted after the first k, the
    result has what was measured so far.

    Args:
        session: opened to work, outside of any transaction.
        request: which k, and on what.
        progress: is notified as it goes.

    Raises:
        SettingsError: the algorithm has no k.
        SchemaError: the database is not migrated.
        BusyError: a run or another sweep is at work in this library.
        LibraryError: there are too few photos, or their embeddings are of several lengths, or
            they are of several scopes.
        DatabaseError: Postgres refused a statement.
    """
    begun = time.perf_counter()
    progress, settings = progress or Progress(), request.settings
    algorithm = request.algorithm or algorithm_named(settings.algorithm)
    if not isinstance(algorithm, HasTrainings):
        raise SettingsError(
            f"sweep tries several k, and the algorithm {settings.algorithm} has none;"
            " choose another with clustering.algorithm"
        )
    require_current_schema(session)
    found = _Found()
    interrupted = False
    try:
        with only_run(session):
            _sweep(session, request, algorithm, progress, found)
    except KeyboardInterrupt:  # wherever it came from: while tidying up, too
        if not found.candidates:
            raise
        interrupted = True
    return SweepResult(
        **vars(suggest(found.candidates, found.photos_trained)),
        candidates=tuple(found.candidates),
        metric=settings.metric,
        seed=settings.seed,
        photos=found.photos,
        photos_trained=found.photos_trained,
        left_out=tuple(found.left_out),
        interrupted=interrupted,
        seconds=round(time.perf_counter() - begun, 3),
    )


@dataclass
class _Found:
    """What a sweep found so far, as its result has it."""

    photos: int = 0
    photos_trained: int = 0
    left_out: list[int] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)


def _sweep(
    session: Session,
    request: SweepRequest,
    algorithm: HasTrainings,
    progress: Progress,
    found: _Found,
) -> None:
    settings = request.settings
    surveyed = _survey(session, request, progress)
    with set_aside(session, surveyed, settings, clustered=True) as surveyed:
        tried = sorted({k for k in request.ks if k < surveyed.eligible})
        if not tried:
            raise LibraryError(
                f"only {count(surveyed.eligible, 'photo')} with an embedding, too few for"
                f" k = {min(request.ks):,}; import more, or sweep smaller k"
            )
        found.photos = surveyed.eligible
        found.left_out = sorted(set(request.ks) - set(tried))
        with Workers.open(session, request.connections) as workers:
            task = Task(
                session=session,
                workers=workers,
                survey=surveyed,
                settings=settings.of_algorithm,
                metric=settings.metric,
                seed=settings.seed,
                log=_Log(progress),
                reclusters=True,
            )
            progress.phase("sample")
            with algorithm.trainings(task, tried[-1]) as trainings:
                if not trainings.photos:
                    raise LibraryError(
                        "all embeddings are zero vectors, which have no direction to compare;"
                        " embed the photos again, or choose the metric l2"
                    )
                found.photos_trained = trainings.photos
                for k in tried:
                    progress.trying(k)
                    found.candidates.append(_try(trainings, k, settings.seed))


def _survey(session: Session, request: SweepRequest, progress: Progress) -> Survey:
    progress.phase("survey")
    scope = request.scope
    require_steady_view(session)
    photos = session.fetch_as(PhotoGroup, "survey/count_photos")
    if scope:
        photos = [group for group in photos if group.scope == scope.scope]
    surveyed = survey(photos, reclustered=True)
    require_one_scope([of.scope for of in surveyed.scopes], scope, "photos")
    progress.surveyed(surveyed)
    require_one_length(photos, reclustered=True)
    return surveyed


def _try(trainings: Trainings, k: int, seed: int) -> Candidate:
    begun = time.perf_counter()
    first = trainings.train(k, seed)
    second = trainings.train(k, (seed + 1) % _LARGEST_SEED)
    quality, stability = trainings.measure(first, second)
    return Candidate(
        k=k,
        clusters=quality.clusters,
        inertia=round(quality.inertia, 6),
        **quality.measures(),
        stability=round(stability, 6),
        seconds=round(time.perf_counter() - begun, 3),
    )


class _Log(Progress):
    """Passes the steps of trainings on, and nothing else; a sweep leaves no record."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def step(self, report: StepReport) -> None:
        self._progress.step(report)

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """A sweep can't be continued."""
