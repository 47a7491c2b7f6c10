"""ClusteringService: survey the library, run the algorithm, commit."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from fluffy_sql import __version__
from fluffy_sql.algorithms import algorithm_named
from fluffy_sql.algorithms.base import Task
from fluffy_sql.database.explain import ExplainedStatement, PlanRecorder
from fluffy_sql.database.schema import require_current_schema
from fluffy_sql.database.session import Session
from fluffy_sql.database.workers import Workers
from fluffy_sql.errors import FluffySqlError, PostconditionError
from fluffy_sql.library import only_run, require_one_length, several_lengths, survey
from fluffy_sql.progress import Progress
from fluffy_sql.quality import measure_run
from fluffy_sql.types import (
    ClusterQuality,
    Fit,
    LeftOut,
    PhotosAlike,
    Quality,
    RunQuality,
    RunResult,
    StepReport,
    Survey,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from fluffy_sql.settings import ClusteringSettings

# The postcondition compares so many photos with every centroid; at most so many pairs.
_CHECKED_PHOTOS = 1_000
_CHECKED_PAIRS = 300_000


@dataclass(frozen=True)
class _Outcome:
    """What is about to be committed.

    Attributes:
        fit: the labels and centroids.
        skipped: photos that stay as they are, by reason.
        quality: of all clusters together.
        clusters: of each, as far as its photos were measured.
    """

    fit: Fit
    skipped: dict[str, int]
    quality: Quality
    clusters: list[ClusterQuality]


class ClusteringService:
    """Clusters the photos of one database that have an embedding and no cluster.

    Args:
        url: address of the database, as libpq takes it.
        settings: what to make of the photos.
        connections: how many connections share the work.
        progress: hears how it goes.
    """

    def __init__(
        self,
        url: str,
        settings: ClusteringSettings,
        *,
        connections: int = 2,
        progress: Progress | None = None,
    ) -> None:
        self._url = url
        self._settings = settings
        self._connections = connections
        self._progress = progress or Progress()

    def generate(self) -> RunResult:
        """Makes clusters and puts every eligible photo into one; all of it, or nothing.

        Where there is nothing to cluster, no run is recorded and `run_id` is None.

        Raises:
            SettingsError: there is no algorithm of that name.
            SchemaError: the database is not migrated.
            BusyError: another run is at work in this database.
            LibraryError: the embeddings are of several lengths.
            DatabaseError: Postgres refused a statement.
            PostconditionError: the result broke a promise and was rolled back.
        """
        return self._run(None)

    def explain(self) -> list[ExplainedStatement]:
        """The statements of a run with their plans, in the order of their first executions.

        It goes through the whole run, since a plan depends on the tables and centroids at hand,
        and takes it back: no cluster, no photo in one and no record of it stays. (Records of runs
        that were killed are closed, as by every run.)

        Raises:
            FluffySqlError: as from `generate`.
        """
        recorder = PlanRecorder()
        self._run(recorder)
        return recorder.statements()

    def _run(self, explain: PlanRecorder | None) -> RunResult:
        """A run; with a recorder, one that is taken back."""
        algorithm = algorithm_named(self._settings.algorithm)
        with Session.open(self._url, explain=explain) as session:
            require_current_schema(session)
            with only_run(session):
                clock = _Clock()
                self._progress.phase("survey")
                photos = session.fetch_as(PhotosAlike, "photos/survey")
                found = survey(photos)
                self._progress.surveyed(found)
                if not found.eligible:
                    return self._nothing_to_do(found, clock)
                run_id = self._open_run(session, found)
                with _record_of_run(session, run_id, explain), _work_table(session):
                    require_one_length(photos)
                    log = _RunLog(session, run_id, clock, self._progress)
                    with Workers.open(self._url, self._connections, explain=explain) as workers:
                        task = Task(session, workers, found, self._settings, log)
                        fit = algorithm.fit(task)
                        zero_vectors = _count_zero_vectors(session, found, fit)
                        if not len(fit.labels):
                            session.execute("runs/discard", run_id=run_id)
                            return self._nothing_to_do(found, clock, zero_vectors)
                        log.phase("measure")
                        outcome = _Outcome(
                            fit, _skipped(found, zero_vectors), *measure_run(task, fit)
                        )
                    log.phase("commit")
                    undone = explain is not None
                    return self._commit(session, run_id, outcome, clock, undone=undone)

    def _nothing_to_do(self, survey: Survey, clock: _Clock, zero_vectors: int = 0) -> RunResult:
        return RunResult(
            run_id=None,
            algorithm=self._settings.algorithm,
            metric=self._settings.metric,
            seed=self._settings.seed,
            k_requested=self._settings.k,
            clusters_created=0,
            photos_processed=0,
            skipped=_skipped(survey, zero_vectors),
            inertia=None,
            iterations=0,
            converged=None,
            recall=None,
            quality=None,
            seconds=clock.seconds(),
        )

    def _open_run(self, session: Session, survey: Survey) -> int:
        server = session.fetch_all("schema/describe_server")[0]
        run_id: int = session.fetch_value(
            "runs/open",
            kind="generate",
            algorithm=self._settings.algorithm,
            metric=self._settings.metric,
            seed=self._settings.seed,
            k_requested=self._settings.k,
            settings=self._settings.model_dump_json(),
            tool_version=__version__,
            photos_eligible=survey.eligible,
            dimensions=survey.dimensions,
            postgres_version=server["postgres_version"],
            pgvector_version=server["pgvector_version"],
        )
        return run_id

    def _commit(
        self,
        session: Session,
        run_id: int,
        outcome: _Outcome,
        clock: _Clock,
        *,
        undone: bool,
    ) -> RunResult:
        """The final transaction: clusters, photos, counts and the end of the run, or none of it."""
        fit = outcome.fit
        with session.transaction(undone=undone):
            cluster_ids = _insert_clusters(session, run_id, fit)
            placed = session.fetch_all(
                "clusters/write_assignments",
                labels=fit.labels.tolist(),
                cluster_ids=cluster_ids,
            )
            session.execute(
                "clusters/write_counts",
                cluster_ids=[row["cluster_id"] for row in placed],
                photos=[row["photos"] for row in placed],
            )
            emptied = session.execute("clusters/drop_empty", cluster_ids=cluster_ids)
            self._check(session, run_id, fit, cluster_ids)
            self._keep_quality(session, run_id, outcome, cluster_ids)
            quality = _quality_of_run(outcome.quality, [row["photos"] for row in placed])
            result = RunResult(
                run_id=run_id,
                algorithm=self._settings.algorithm,
                metric=self._settings.metric,
                seed=self._settings.seed,
                k_requested=self._settings.k,
                clusters_created=len(cluster_ids) - emptied,
                photos_processed=sum(row["photos"] for row in placed),
                skipped=outcome.skipped,
                inertia=fit.inertia,
                iterations=fit.iterations,
                converged=fit.converged,
                recall=fit.recall,
                quality=quality,
                seconds=clock.seconds(),
            )
            session.execute(
                "runs/close",
                run_id=run_id,
                photos_processed=result.photos_processed,
                skipped=json.dumps(result.skipped),
                clusters_created=result.clusters_created,
                inertia=result.inertia,
                iterations=result.iterations,
                converged=result.converged,
                recall=result.recall,
                **asdict(quality),
                seconds=json.dumps(result.seconds),
            )
        return result

    def _keep_quality(
        self, session: Session, run_id: int, outcome: _Outcome, cluster_ids: list[int]
    ) -> None:
        measured = outcome.clusters
        session.execute(
            "quality/write_clusters",
            run_id=run_id,
            metric=self._settings.metric,
            labels=outcome.fit.labels.tolist(),
            cluster_ids=cluster_ids,
            measured_labels=[cluster.label for cluster in measured],
            silhouettes=[cluster.silhouette for cluster in measured],
            davies_bouldins=[cluster.davies_bouldin for cluster in measured],
            photos_measured=[cluster.photos_measured for cluster in measured],
        )

    def _check(self, session: Session, run_id: int, fit: Fit, cluster_ids: list[int]) -> None:
        """Holds the result to its promises before it is committed."""
        if not np.isfinite(fit.centroids).all():
            raise PostconditionError(f"run {run_id}: a centroid is not finite; nothing was written")
        if fit.recall is None:
            return
        photos = max(1, min(_CHECKED_PHOTOS, _CHECKED_PAIRS // len(cluster_ids)))
        misplaced = session.fetch_value(
            "clusters/count_misplaced",
            cluster_ids=cluster_ids,
            normalize=self._settings.metric == "cosine",
            seed=self._settings.seed,
            photos=photos,
        )
        # Twice what may be missed: this sample is a small one.
        if misplaced > 2 * (1 - fit.least_recall) * photos:
            raise PostconditionError(
                f"run {run_id}: {misplaced} photos of the sample checked are not at their nearest"
                " centroid; nothing was written"
            )


def _quality_of_run(measured: Quality, photos: list[int]) -> RunQuality:
    """What is kept: measures of the sample, and sizes of all clusters."""
    return RunQuality(
        silhouette=measured.silhouette,
        davies_bouldin=measured.davies_bouldin,
        calinski_harabasz=measured.calinski_harabasz,
        smallest_cluster=min(photos, default=0),
        largest_cluster=max(photos, default=0),
        photos_measured=measured.photos_measured,
    )


def _skipped(survey: Survey, zero_vectors: int) -> dict[str, int]:
    """Photos that the run leaves as they are, by reason."""
    return {
        "without_embedding": survey.without_embedding,
        "zero_vector": zero_vectors,
        "already_clustered": survey.clustered,
    }


def _count_zero_vectors(session: Session, survey: Survey, fit: Fit) -> int:
    """Why photos got no label: zero vectors are counted, and another length is refused late."""
    if int(fit.photos.sum()) == survey.eligible:
        return 0
    left_out = session.fetch_as(LeftOut, "photos/survey_left_out")
    of_another_length = [
        (group.dimensions, group.photos)
        for group in left_out
        if group.dimensions != survey.dimensions
    ]
    if of_another_length:
        raise several_lengths([(survey.dimensions, int(fit.photos.sum())), *of_another_length])
    return sum(group.zero_vectors for group in left_out)


def _insert_clusters(session: Session, run_id: int, fit: Fit) -> list[int]:
    """The new clusters' ids, in the order of the fit's centroids."""
    made = session.fetch_all(
        "clusters/insert", run_id=run_id, centroids=session.vector_array(fit.centroids)
    )
    return sorted(row["id"] for row in made)


def _record_of_run(
    session: Session, run_id: int, explain: PlanRecorder | None
) -> AbstractContextManager[None]:
    """Sees to a run's record at its end: a run that only explains leaves none."""
    if explain is None:
        return _closed_on_failure(session, run_id)
    return _discarded(session, run_id, explain)


@contextmanager
def _discarded(session: Session, run_id: int, explain: PlanRecorder) -> Iterator[None]:
    """Takes a run's record back, whatever happened; not a statement of the run to be explained."""
    try:
        yield
    finally:
        with explain.paused():
            session.release("runs/discard", run_id=run_id)


@contextmanager
def _closed_on_failure(session: Session, run_id: int) -> Iterator[None]:
    """Leaves a record of a run that did not succeed, and of why."""
    try:
        yield
    except FluffySqlError as error:
        session.release("runs/fail", run_id=run_id, status="failed", error=str(error))
        raise
    except KeyboardInterrupt:
        session.release(
            "runs/fail", run_id=run_id, status="interrupted", error="stopped by a signal"
        )
        raise
    except BaseException as error:
        session.release("runs/fail", run_id=run_id, status="failed", error=f"bug: {error!r}")
        raise


@contextmanager
def _work_table(session: Session) -> Iterator[None]:
    """The table that algorithms write labels to; gone afterwards, whatever happened."""
    session.execute("work_tables/drop_assignments")
    session.execute("work_tables/create_assignments")
    try:
        yield
    finally:
        session.release("work_tables/drop_assignments")


class _Clock:
    """Seconds by phase."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._phases: dict[str, float] = {}
        self._phase = "survey"
        self._since = self._begun

    def enter(self, phase: str) -> None:
        self._note()
        self._phase = phase

    def seconds(self) -> dict[str, float]:
        """Seconds by phase so far, and in total; to the millisecond."""
        self._note()
        spent = {phase: round(seconds, 3) for phase, seconds in self._phases.items()}
        return {**spent, "total": round(self._since - self._begun, 3)}

    def _note(self) -> None:
        now = time.perf_counter()
        self._phases[self._phase] = self._phases.get(self._phase, 0.0) + now - self._since
        self._since = now


class _RunLog:
    """Writes a run's record as it goes, committed at once, and passes everything on."""

    def __init__(self, session: Session, run_id: int, clock: _Clock, progress: Progress) -> None:
        self._session = session
        self._run_id = run_id
        self._clock = clock
        self._progress = progress

    def phase(self, name: str) -> None:
        self._clock.enter(name)
        self._session.execute("runs/enter_phase", run_id=self._run_id, phase=name)
        self._progress.phase(name)

    def step(self, report: StepReport) -> None:
        self._session.execute("runs/record_step", run_id=self._run_id, **vars(report))
        self._progress.step(report)

    def photos(self, done: int) -> None:
        self._progress.photos(done)
