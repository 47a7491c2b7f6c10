"""Makes clusters: surveys the library, runs the algorithm, commits what it found."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.algorithms import (
    Algorithm,
    AlgorithmSettings,
    Checkpoint,
    Fit,
    Survey,
    Task,
    algorithm_named,
)
from fluffy_sql.errors import HistoryError, UsageError
from fluffy_sql.postgres.schema import require_current_schema
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.transaction import LockLimits, final_transaction
from fluffy_sql.postgres.work_tables import work_tables
from fluffy_sql.postgres.workers import Workers
from fluffy_sql.runs.commit import FinalTransaction, Outcome, quality_of_run
from fluffy_sql.runs.duplicates import follow, set_aside
from fluffy_sql.runs.following import follow_source
from fluffy_sql.runs.lock import only_run
from fluffy_sql.runs.progress import Progress
from fluffy_sql.runs.quality import QualitySample, measure_run
from fluffy_sql.runs.record import Clock, RunRecorder, RunResult, open_run, record_of
from fluffy_sql.runs.survey import (
    PhotoGroup,
    UnlabelledGroup,
    require_identity,
    require_one_length,
    require_owners,
    require_steady_view,
    several_lengths,
    survey,
    vector_indexes,
)
from fluffy_sql.settings import ClusteringSettings, clustering_settings, recorded_settings


@dataclass(frozen=True, kw_only=True)
class GenerateRequest:
    """What a run is asked for.

    Attributes:
        settings: what to make of the photos; those of the run that is resumed count instead.
        recluster: cluster all photos again, also those that are in a cluster. Old clusters that
            continue keep their id, name and status.
        cold: start a recluster from nothing and not from the clusters there are.
        dry_run: do all of it, and roll it back; the result says what would change.
        resume: continue the newest run, which was killed or failed while it trained, with its
            settings and its id.
        connections: how many connections share the work.
        algorithm: used in place of the one that the settings name, with its settings.
        quality_sample: on how many photos the result is measured.

    Raises:
        UsageError: `cold` without `recluster`.
    """

    settings: ClusteringSettings = field(default_factory=clustering_settings)
    recluster: bool = False
    cold: bool = False
    dry_run: bool = False
    resume: bool = False
    connections: int = 2
    algorithm: Algorithm[Any] | None = None
    quality_sample: QualitySample = field(default_factory=QualitySample)

    def __post_init__(self) -> None:
        """Refuses what makes no sense."""
        if self.cold and not self.recluster:
            raise UsageError("cold needs recluster: a first run starts from scratch anyway")

    @property
    def kind(self) -> str:
        """As it is recorded."""
        return "recluster" if self.recluster else "generate"


@dataclass(frozen=True)
class _ResumableRun:
    """A run that did not end well, to be continued."""

    run_id: int
    recluster: bool
    settings: ClusteringSettings
    checkpoint: Checkpoint


def generate(
    session: Session, request: GenerateRequest, progress: Progress | None = None
) -> RunResult:
    """Makes clusters and puts every eligible photo into one; all of it, or nothing.

    If nothing changes, no run is recorded and `run_id` is None: there was nothing to cluster, or
    the algorithm left all out. A recluster that leaves all out empties their clusters. In a session
    that explains its statements the whole run is rolled back, and no record of it stays: a plan
    depends on the actual tables and centroids. (Records of killed runs are closed, as ever.)

    Args:
        session: opened to work, outside of any transaction.
        request: what is asked for.
        progress: is notified as it goes.

    Raises:
        SettingsError: there is no algorithm of that name.
        SchemaError: the database is not migrated.
        BusyError: another run is at work in this library.
        LibraryError: the embeddings are of several lengths.
        HistoryError: there is no run to resume.
        DatabaseError: Postgres refused a statement.
        PostconditionError: the result broke a promise and was rolled back.
    """
    if request.algorithm is None:  # a wrong name is reported before anything is done
        algorithm_named(request.settings.algorithm)
    require_current_schema(session)
    with only_run(session):
        resumed = _find_resumable(session) if request.resume else None
        if resumed is not None:
            request = replace(request, settings=resumed.settings, recluster=resumed.recluster)
        return _Run(session, request, progress or Progress()).run(resumed)


class _Run:
    """One run, or the rest of one that was killed."""

    def __init__(self, session: Session, request: GenerateRequest, progress: Progress) -> None:
        self._session = session
        self._request = request
        self._settings = request.settings
        self._progress = progress
        self._algorithm = request.algorithm or algorithm_named(request.settings.algorithm)
        self._own_settings: AlgorithmSettings = request.settings.of_algorithm
        self._clock = Clock()

    @property
    def _taken_back(self) -> bool:
        return self._request.dry_run or self._session.explains

    def run(self, resumed: _ResumableRun | None) -> RunResult:
        session, recluster = self._session, self._request.recluster
        self._progress.phase("survey")
        follow_source(session, self._progress, dry_run=self._taken_back)
        # Before photos are counted: a view that is not steady may show none by chance.
        reads_other_tables = require_steady_view(session)
        photos = session.fetch_as(PhotoGroup, "survey/count_photos")
        found = survey(photos, reclustered=recluster)
        self._progress.surveyed(found)
        if not found.eligible:
            return self._result(None, scopes=0, skipped=_skipped(found))
        require_owners(session, found)
        require_identity(session)
        indexes = vector_indexes(session)
        self._progress.indexed(indexes)
        run_id = self._open(found) if resumed is None else _reopen_run(session, resumed, found)
        with (
            record_of(session, run_id, taken_back=self._taken_back),
            work_tables(session, "work_assignments", "work_neighbours"),
            set_aside(session, found, self._settings, clustered=recluster) as to_label,
        ):
            require_one_length(photos, reclustered=recluster)
            log = RunRecorder(session, run_id, self._clock, self._progress)
            with Workers.open(session, self._request.connections) as workers:
                task = self._task(workers, to_label, log)
                if resumed is not None:
                    task = replace(task, resume=resumed.checkpoint)
                fit = self._algorithm.fit(task)
                if to_label != found:
                    fit = follow(task, fit)
                skipped = _skipped(found, task, fit)
                if not len(fit.labels) and not (recluster and any(fit.left_out.values())):
                    session.execute("runs/discard", run_id=run_id)
                    return self._result(None, scopes=len(found.scopes), skipped=skipped)
                log.phase("measure")
                measured = measure_run(task, fit, self._request.quality_sample)
                outcome = Outcome(fit, skipped, *measured, reads_other_tables)
            log.phase("commit")
            return replace(
                self._commit(run_id, found, outcome),
                vector_indexes=indexes,
                duplicates=found.eligible - to_label.eligible,
            )

    def _task(self, workers: Workers, found: Survey, log: RunRecorder) -> Task[AlgorithmSettings]:
        start: dict[int | None, list[NDArray[np.float32]]] = defaultdict(list)
        if self._request.recluster and not self._request.cold:
            for row in self._session.fetch_all(
                "runs/fetch_start_centroids",
                metric=self._settings.metric,
                dimensions=found.dimensions,
            ):
                start[row["scope"]].append(row["centroid"])
        return Task(
            session=self._session,
            workers=workers,
            survey=found,
            settings=self._own_settings,
            metric=self._settings.metric,
            seed=self._settings.seed,
            log=log,
            reclusters=self._request.recluster,
            start={scope: np.stack(centroids) for scope, centroids in start.items()},
        )

    def _open(self, found: Survey) -> int:
        return open_run(
            self._session,
            kind=self._request.kind,
            algorithm=self._settings.algorithm,
            metric=self._settings.metric,
            seed=self._settings.seed,
            k_requested=self._algorithm.k_requested(self._own_settings),
            settings=self._settings.model_dump_json(),
            photos_eligible=found.eligible,
            dimensions=found.dimensions,
        )

    def _commit(self, run_id: int, found: Survey, outcome: Outcome) -> RunResult:
        """The final transaction; rolled back if the run is."""
        fit, recluster = outcome.fit, self._request.recluster
        limits = LockLimits(self._settings.lock_wait, self._settings.lock_hold)
        # Without a recluster it only makes clusters, which others see only when it ends.
        with final_transaction(
            self._session, limits, old_clusters=recluster, force_rollback=self._taken_back
        ):
            self._clock.locked()
            transaction = FinalTransaction(self._session, run_id, self._settings, outcome)
            changes = transaction.replace() if recluster else transaction.place()
            placed = int(fit.photos.sum()) if recluster else changes.photos_moved
            explained = sum(outcome.skipped.values()) - found.without_embedding - found.clustered
            left = found.eligible - placed - explained
            result = self._result(
                None if self._request.dry_run else run_id,
                scopes=len(set(fit.scopes)),
                clusters_created=changes.count("created"),
                clusters_kept=changes.count("kept"),
                clusters_emptied=changes.count("emptied"),
                photos_processed=placed,
                photos_moved=changes.photos_moved,
                skipped=outcome.skipped | ({"changed_meanwhile": left} if left > 0 else {}),
                inertia=fit.inertia,
                iterations=fit.iterations,
                converged=fit.converged,
                recall=fit.recall,
                quality=quality_of_run(outcome, changes),
                embeddings_digest=fit.digest,
                groups=tuple(len(np.unique(numbers)) for numbers in fit.levels),
                changes=changes if recluster or self._request.dry_run else None,
            )
            transaction.close(result)
        return replace(result, seconds=self._clock.seconds())

    def _result(self, run_id: int | None, **found: Any) -> RunResult:
        return RunResult(
            run_id=run_id,
            kind=self._request.kind,
            dry_run=self._request.dry_run,
            algorithm=self._settings.algorithm,
            metric=self._settings.metric,
            seed=self._settings.seed,
            k_requested=self._algorithm.k_requested(self._own_settings),
            seconds=self._clock.seconds(),
            **found,
        )


def _skipped(
    found: Survey, task: Task[Any] | None = None, fit: Fit | None = None
) -> dict[str, int]:
    """Photos that the run leaves as they are, by reason.

    Raises:
        LibraryError: embeddings of another length arrived during the run.
    """
    skipped = {
        "without_embedding": found.without_embedding,
        "zero_vector": 0,
        "already_clustered": found.clustered,
    }
    if task is None or fit is None or int(fit.photos.sum()) == found.eligible:
        return skipped
    unlabelled = task.session.fetch_as(
        UnlabelledGroup, "survey/count_unlabelled", clustered=task.reclusters
    )
    of_another_length = [
        (group.dimensions, group.photos)
        for group in unlabelled
        if group.dimensions != found.dimensions
    ]
    if of_another_length:
        photos = int(fit.photos.sum())
        raise several_lengths([(found.dimensions, photos), *of_another_length])
    # Zero vectors have no direction; under l2 they are points like any other.
    if task.normalize:
        skipped["zero_vector"] = sum(group.zero_vectors for group in unlabelled)
    return {**skipped, **fit.left_out}


def _find_resumable(session: Session) -> _ResumableRun:
    found = session.fetch_all("runs/find_resumable")
    if not found:
        raise HistoryError(
            "there is no run to resume: the newest one succeeded, or ended before it trained;"
            " fluffy-sql generate starts another"
        )
    run = found[0]
    rows = session.fetch_all("runs/fetch_checkpoint", run_id=run["id"])
    return _ResumableRun(
        run_id=run["id"],
        recluster=run["kind"] == "recluster",
        settings=recorded_settings(run["settings"]),
        checkpoint=Checkpoint(
            run["step"], run["batch_size"], np.stack([row["centroid"] for row in rows])
        ),
    )


def _reopen_run(session: Session, resumed: _ResumableRun, found: Survey) -> int:
    """Reopens a run's record; steps after its checkpoint are repeated."""
    if len(found.scopes) > 1:
        raise HistoryError(
            "the photos are now of several scopes, and a run over several can't be resumed;"
            " fluffy-sql generate starts another"
        )
    session.execute(
        "runs/reopen",
        run_id=resumed.run_id,
        photos_eligible=found.eligible,
        dimensions=found.dimensions,
    )
    session.execute("runs/forget_steps", run_id=resumed.run_id, after_step=resumed.checkpoint.step)
    return resumed.run_id
