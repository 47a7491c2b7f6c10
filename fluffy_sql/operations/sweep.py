"""Tries many values of an algorithm's setting, measures each, and suggests one."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from fluffy_sql.algorithms import (
    Algorithm,
    Candidate,
    HasSweep,
    Sweep,
    Swept,
    Task,
    algorithm_named,
)
from fluffy_sql.errors import LibraryError, SettingsError
from fluffy_sql.postgres.schema import require_current_schema
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.workers import Workers
from fluffy_sql.runs.duplicates import set_aside
from fluffy_sql.runs.following import follow_source
from fluffy_sql.runs.lock import only_run
from fluffy_sql.runs.owners import Owners, ScopeFilter
from fluffy_sql.runs.progress import Progress, Unrecorded
from fluffy_sql.runs.survey import (
    PhotoGroup,
    require_one_length,
    require_steady_view,
    survey,
)
from fluffy_sql.settings import ClusteringSettings, clustering_settings


@dataclass(frozen=True)
class SweepResult:
    """What a sweep found.

    Attributes:
        swept: the setting that was walked, and the measures.
        suggested: a value of it; None: there is none to suggest.
        measures_agree: whether the measures agree on it.
        reasons: what speaks for it or against it.
        candidates: what was tried, as the algorithm measures it.
        metric, seed: as they applied.
        photos: how many the library has that could be clustered.
        photos_tried: on how many of them each value was tried.
        left_out: values that were not tried, since there are no more photos than that.
        basis: how values were tried, for people.
        interrupted: whether it was stopped before all were tried.
        seconds: how long it took.
    """

    swept: Swept
    suggested: float | None
    measures_agree: bool
    reasons: tuple[str, ...]
    candidates: tuple[Any, ...]
    metric: str
    seed: int
    photos: int
    photos_tried: int
    left_out: tuple[float, ...]
    basis: str
    interrupted: bool
    seconds: float

    def value_of(self, candidate: Candidate) -> float:
        """The value that was tried."""
        value: float = getattr(candidate, self.swept.setting)
        return value

    def for_json(self) -> dict[str, Any]:
        """With the names that `sweep --json` uses."""
        return {
            f"suggested_{self.swept.setting}": self.suggested,
            "measures_agree": self.measures_agree,
            "reasons": self.reasons,
            "candidates": [asdict(candidate) for candidate in self.candidates],
            "metric": self.metric,
            "seed": self.seed,
            "photos": self.photos,
            "photos_trained": self.photos_tried,
            "left_out": self.left_out,
            "interrupted": self.interrupted,
            "seconds": self.seconds,
        }


@dataclass(frozen=True, kw_only=True)
class SweepRequest:
    """Which values are tried, and on what.

    Attributes:
        values: of the setting that the algorithm's sweep walks; none: those that it finds in the
            photos, if it does.
        settings: everything else.
        scope: whose photos; None: there may be one scope only.
        connections: how many connections share the work.
        algorithm: used in place of the one that the settings name, with its settings.
    """

    values: Sequence[float]
    settings: ClusteringSettings = field(default_factory=clustering_settings)
    scope: ScopeFilter | None = None
    connections: int = 2
    algorithm: Algorithm[Any] | None = None


def spread_evenly(lowest: float, highest: float, steps: int, *, whole: bool) -> list[float]:
    """About this many from lowest to highest, in equal ratios; fewer if some would coincide."""
    ratio = (highest / lowest) ** (1 / (steps - 1))
    between = [lowest * ratio**step for step in range(1, steps - 1)]
    told = [round(value) if whole else float(f"{value:.2g}") for value in between]
    return sorted({lowest, *told, highest})


def sweeping_algorithm(
    settings: ClusteringSettings, instead: Algorithm[Any] | None = None
) -> HasSweep:
    """The algorithm that the settings name, or the one that is used in place of it.

    Raises:
        SettingsError: it has nothing to sweep.
    """
    algorithm = instead or algorithm_named(settings.algorithm)
    if not isinstance(algorithm, HasSweep):
        raise SettingsError(
            f"the algorithm {settings.algorithm} has no setting that a sweep could try values of;"
            " choose another with clustering.algorithm"
        )
    return algorithm


def sweep(session: Session, request: SweepRequest, progress: Progress | None = None) -> SweepResult:
    """Tries each value as the algorithm does that, and suggests one; writes no cluster.

    All usable photos count, in a cluster or not. If it is interrupted after the first value, the
    result has what was measured so far.

    Args:
        session: opened to work, outside of any transaction.
        request: which values, and on what.
        progress: is notified as it goes.

    Raises:
        SettingsError: the algorithm has nothing to sweep.
        SchemaError: the database is not migrated.
        BusyError: a run or another sweep is at work in this library.
        LibraryError: there are too few photos, or their embeddings are of several lengths, or
            they are of several scopes.
        DatabaseError: Postgres refused a statement.
    """
    begun = time.perf_counter()
    progress, settings = progress or Progress(), request.settings
    algorithm = sweeping_algorithm(settings, request.algorithm)
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
    suggested = found.sweep.suggest(found.candidates)
    return SweepResult(
        swept=algorithm.swept,
        suggested=suggested.value,
        measures_agree=suggested.measures_agree,
        reasons=suggested.reasons,
        candidates=tuple(found.candidates),
        metric=settings.metric,
        seed=settings.seed,
        photos=found.photos,
        photos_tried=found.sweep.photos,
        left_out=tuple(found.sweep.left_out),
        basis=found.sweep.basis(found.candidates),
        interrupted=interrupted,
        seconds=round(time.perf_counter() - begun, 3),
    )


class _Found:
    """What a sweep found so far."""

    sweep: Sweep
    photos: int

    def __init__(self) -> None:
        self.candidates: list[Candidate] = []


def _sweep(
    session: Session,
    request: SweepRequest,
    algorithm: HasSweep,
    progress: Progress,
    found: _Found,
) -> None:
    progress.phase("survey")
    settings = request.settings
    follow_source(session, progress)
    owners = Owners(session)
    scope = owners.find(request.scope)
    require_steady_view(session)
    photos = session.fetch_as(PhotoGroup, "survey/count_photos")
    if scope:
        photos = [group for group in photos if group.scope == scope.scope]
    surveyed = survey(photos, reclustered=True)
    owners.require_one([of.scope for of in surveyed.scopes], scope, "photos")
    progress.surveyed(surveyed)
    require_one_length(photos, reclustered=True)
    if not surveyed.eligible:
        more = "let the source show some" if session.attached else "import some"
        raise LibraryError(f"there is no photo with an embedding to try anything on; {more}")
    found.photos = surveyed.eligible
    log = _Log(progress)
    with (
        set_aside(session, surveyed, settings, clustered=True) as to_try,
        Workers.open(session, request.connections) as workers,
    ):
        task = Task(
            session=session,
            workers=workers,
            survey=to_try,
            settings=settings.of_algorithm,
            metric=settings.metric,
            seed=settings.seed,
            log=log,
            reclusters=True,
        )
        with algorithm.sweep(task, sorted(set(request.values))) as found.sweep:
            if not found.sweep.photos:
                raise LibraryError(
                    "all embeddings are zero vectors, which have no direction to compare;"
                    " embed the photos again, or choose the metric l2"
                )
            log.prepares = False
            for value in found.sweep.values:
                progress.trying(algorithm.swept.setting, value)
                found.candidates.append(found.sweep.try_value(value))


class _Log(Unrecorded):
    """Passes on what an algorithm does, but no phases of each value."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(progress)
        self.prepares = True

    def phase(self, name: str) -> None:
        if self.prepares:
            super().phase(name)
