"""ClusteringService: survey the library, run the algorithm, commit."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fluffy_sql.algorithms import Checkpoint, Task, algorithm_named
from fluffy_sql.errors import HistoryError
from fluffy_sql.postgres.explain import ExplainedStatement, PlanRecorder
from fluffy_sql.postgres.schema import require_current_schema
from fluffy_sql.postgres.session import DEFAULT_SCHEMA, Session
from fluffy_sql.postgres.transaction import LockLimits, final_transaction
from fluffy_sql.postgres.work_tables import work_tables
from fluffy_sql.postgres.workers import Workers
from fluffy_sql.runs.commit import FinalTransaction, Outcome, quality_of_run
from fluffy_sql.runs.lock import only_run
from fluffy_sql.runs.progress import Progress
from fluffy_sql.runs.quality import measure_run
from fluffy_sql.runs.record import (
    Clock,
    RunRecorder,
    RunResult,
    closed_on_failure,
    discarded,
    open_run,
)
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
from fluffy_sql.settings import ClusteringSettings

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from fluffy_sql.algorithms import Fit, Survey


@dataclass(frozen=True)
class _RunOptions:
    """How a run is to go.

    Attributes:
        recluster: whether photos that are in a cluster are clustered anew, too.
        cold: whether a recluster starts from nothing and not from the clusters there are.
        resume: whether to go on with the run that was killed last.
        dry: whether all but the record of what would change is taken back.
        explain: keeps the statements of a run, which is then taken back.
    """

    recluster: bool = False
    cold: bool = False
    dry: bool = False
    resume: bool = False
    explain: PlanRecorder | None = None

    @property
    def kind(self) -> str:
        return "recluster" if self.recluster else "generate"

    @property
    def undone(self) -> bool:
        return self.dry or self.explain is not None


@dataclass(frozen=True)
class _ResumableRun:
    """A run that did not end well, to be continued."""

    run_id: int
    recluster: bool
    settings: ClusteringSettings
    checkpoint: Checkpoint


class ClusteringService:
    """Clusters the photos of one database that have an embedding and no cluster.

    Args:
        url: address of the database, as libpq takes it.
        settings: what to make of the photos.
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

    def generate(
        self, *, recluster: bool = False, cold: bool = False, dry_run: bool = False
    ) -> RunResult:
        """Makes clusters and puts every eligible photo into one; all of it, or nothing.

        Where there is nothing to cluster, no run is recorded and `run_id` is None.

        Args:
            recluster: cluster all photos anew, also those that are in a cluster. What goes on of
                the old clusters keeps its id, name and status.
            cold: start a recluster from nothing and not from the clusters there are.
            dry_run: go through all of it, and take it back; the result says what would change.

        Raises:
            SettingsError: there is no algorithm of that name.
            SchemaError: the database is not migrated.
            BusyError: another run is at work in this database.
            LibraryError: the embeddings are of several lengths.
            DatabaseError: Postgres refused a statement.
            PostconditionError: the result broke a promise and was rolled back.
        """
        return self._run(_RunOptions(recluster, cold, dry_run))

    def resume(self) -> RunResult:
        """Goes on with the newest run, which was killed or failed while it trained.

        It has the settings of that run, and its id.

        Raises:
            HistoryError: the newest run ended well, or before it trained.
            FluffySqlError: as from `generate`.
        """
        return self._run(_RunOptions(resume=True))

    def explain(self) -> list[ExplainedStatement]:
        """The statements of a run with their plans, in the order of their first executions.

        It goes through the whole run, since a plan depends on the tables and centroids at hand,
        and takes it back: no cluster, no photo in one and no record of it stays. (Records of runs
        that were killed are closed, as by every run.)

        Raises:
            FluffySqlError: as from `generate`.
        """
        recorder = PlanRecorder()
        self._run(_RunOptions(explain=recorder))
        return recorder.statements()

    def _run(self, way: _RunOptions) -> RunResult:
        algorithm_named(self._settings.algorithm)  # a wrong name is told before anything is done
        with Session.open(self._url, schema=self._schema, explain=way.explain) as session:
            require_current_schema(session)
            with only_run(session):
                if not way.resume:
                    return self._run_alone(session, way, None)
                killed = _find_resumable(session)
                self._settings = killed.settings
                return self._run_alone(session, _RunOptions(killed.recluster), killed)

    def _run_alone(
        self, session: Session, way: _RunOptions, killed: _ResumableRun | None
    ) -> RunResult:
        """A run, or the rest of one that was killed."""
        algorithm = algorithm_named(self._settings.algorithm)
        clock = Clock()
        self._progress.phase("survey")
        # Before photos are counted: those of a view that is not steady would be none by chance.
        reads_other_tables = require_steady_view(session)
        photos = session.fetch_as(PhotoGroup, "survey/count_photos")
        found = survey(photos, reclustered=way.recluster)
        self._progress.surveyed(found)
        if not found.eligible:
            return self._nothing_to_do(way, found, clock)
        require_owners(session, found)
        require_identity(session)
        indexes = vector_indexes(session)
        self._progress.indexed(indexes)
        if killed is None:
            run_id = self._open_run(session, way, found)
        elif len(found.scopes) > 1:
            raise HistoryError(
                "the photos are of several scopes by now, and a run over several can't be resumed;"
                " fluffy-sql generate starts another"
            )
        else:
            run_id = _reopen_run(session, killed, found)
        with _record_of_run(session, run_id, way), work_tables(session, "work_assignments"):
            require_one_length(photos, reclustered=way.recluster)
            log = RunRecorder(session, run_id, clock, self._progress)
            with Workers.open(
                self._url, self._connections, schema=self._schema, explain=way.explain
            ) as workers:
                task = self._task(way, session, workers, found, log)
                if killed is not None:
                    task = replace(task, resume=killed.checkpoint)
                fit = algorithm.fit(task)
                skipped = _skipped(found, _explain_unlabelled(task, fit))
                if not len(fit.labels):
                    session.execute("runs/discard", run_id=run_id)
                    return self._nothing_to_do(way, found, clock, skipped)
                log.phase("measure")
                outcome = Outcome(fit, skipped, *measure_run(task, fit), reads_other_tables)
            log.phase("commit")
            result = self._commit(session, way, run_id, outcome, clock)
            return replace(result, vector_indexes=indexes)

    def _task(
        self, way: _RunOptions, session: Session, workers: Workers, found: Survey, log: RunRecorder
    ) -> Task:
        start: dict[int | None, list[NDArray[np.float32]]] = {}
        if way.recluster and not way.cold:
            for row in session.fetch_all(
                "runs/fetch_start_centroids",
                metric=self._settings.metric,
                dimensions=found.dimensions,
            ):
                start.setdefault(row["scope"], []).append(row["centroid"])
        return Task(
            session,
            workers,
            found,
            self._settings,
            log,
            reclusters=way.recluster,
            start={scope: np.stack(centroids) for scope, centroids in start.items()},
        )

    def _nothing_to_do(
        self, way: _RunOptions, survey: Survey, clock: Clock, skipped: dict[str, int] | None = None
    ) -> RunResult:
        return RunResult(
            run_id=None,
            kind=way.kind,
            dry_run=way.dry,
            algorithm=self._settings.algorithm,
            metric=self._settings.metric,
            seed=self._settings.seed,
            k_requested=self._settings.k,
            scopes=len(survey.scopes),
            clusters_created=0,
            clusters_kept=0,
            clusters_emptied=0,
            photos_processed=0,
            photos_moved=0,
            skipped=skipped or _skipped(survey, 0),
            inertia=None,
            iterations=0,
            converged=None,
            recall=None,
            quality=None,
            embeddings_digest=None,
            changes=None,
            seconds=clock.seconds(),
        )

    def _open_run(self, session: Session, way: _RunOptions, survey: Survey) -> int:
        return open_run(
            session,
            kind=way.kind,
            algorithm=self._settings.algorithm,
            metric=self._settings.metric,
            seed=self._settings.seed,
            k_requested=self._settings.k,
            settings=self._settings.model_dump_json(),
            photos_eligible=survey.eligible,
            dimensions=survey.dimensions,
        )

    def _commit(
        self,
        session: Session,
        way: _RunOptions,
        run_id: int,
        outcome: Outcome,
        clock: Clock,
    ) -> RunResult:
        """The final transaction; taken back where the run is."""
        fit = outcome.fit
        limits = LockLimits(self._settings.lock_wait, self._settings.lock_hold)
        # Without a recluster it only makes clusters, which nobody sees before it ends.
        with final_transaction(
            session, limits, old_clusters=way.recluster, force_rollback=way.undone
        ):
            clock.locked()
            transaction = FinalTransaction(session, run_id, self._settings, outcome)
            changes = transaction.replace() if way.recluster else transaction.place()
            result = RunResult(
                run_id=None if way.dry else run_id,
                kind=way.kind,
                dry_run=way.dry,
                algorithm=self._settings.algorithm,
                metric=self._settings.metric,
                seed=self._settings.seed,
                k_requested=self._settings.k,
                scopes=len(set(fit.scopes)),
                clusters_created=changes.count("created"),
                clusters_kept=changes.count("kept"),
                clusters_emptied=changes.count("emptied"),
                photos_processed=int(fit.photos.sum()) if way.recluster else changes.photos_moved,
                photos_moved=changes.photos_moved,
                skipped=outcome.skipped,
                inertia=fit.inertia,
                iterations=fit.iterations,
                converged=fit.converged,
                recall=fit.recall,
                quality=quality_of_run(outcome, changes),
                embeddings_digest=fit.digest,
                changes=changes if way.recluster or way.dry else None,
                seconds=clock.seconds(),
            )
            transaction.close(result)
        return replace(result, seconds=clock.seconds())


def _skipped(survey: Survey, zero_vectors: int) -> dict[str, int]:
    """Photos that the run leaves as they are, by reason."""
    return {
        "without_embedding": survey.without_embedding,
        "zero_vector": zero_vectors,
        "already_clustered": survey.clustered,
    }


def _find_resumable(session: Session) -> _ResumableRun:
    found = session.fetch_all("runs/find_resumable")
    if not found:
        raise HistoryError(
            "there is no run to resume: the newest one ended well, or before it trained;"
            " fluffy-sql generate starts another"
        )
    run = found[0]
    rows = session.fetch_all("runs/fetch_checkpoint", run_id=run["id"])
    return _ResumableRun(
        run_id=run["id"],
        recluster=run["kind"] == "recluster",
        settings=ClusteringSettings.model_validate_json(json.dumps(run["settings"])),
        checkpoint=Checkpoint(
            run["step"], run["batch_size"], np.stack([row["centroid"] for row in rows])
        ),
    )


def _reopen_run(session: Session, killed: _ResumableRun, survey: Survey) -> int:
    """Goes on with a run's record; steps it took after its checkpoint are taken again."""
    session.execute(
        "runs/reopen",
        run_id=killed.run_id,
        photos_eligible=survey.eligible,
        dimensions=survey.dimensions,
    )
    session.execute("runs/forget_steps", run_id=killed.run_id, after_step=killed.checkpoint.step)
    return killed.run_id


def _explain_unlabelled(task: Task, fit: Fit) -> int:
    """Why photos got no label: zero vectors are counted, and another length is refused late."""
    if int(fit.photos.sum()) == task.survey.eligible:
        return 0
    left_out = task.session.fetch_as(
        UnlabelledGroup, "survey/count_unlabelled", clustered=task.reclusters
    )
    of_another_length = [
        (group.dimensions, group.photos)
        for group in left_out
        if group.dimensions != task.survey.dimensions
    ]
    if of_another_length:
        photos = int(fit.photos.sum())
        raise several_lengths([(task.survey.dimensions, photos), *of_another_length])
    return sum(group.zero_vectors for group in left_out)


def _record_of_run(session: Session, run_id: int, way: _RunOptions) -> AbstractContextManager[None]:
    """Sees to a run's record at its end: a run that is taken back leaves none."""
    if way.undone:
        return discarded(session, run_id, way.explain)
    return closed_on_failure(session, run_id)
