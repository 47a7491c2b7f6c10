"""The record of a run in the database: opened, kept up as the run goes, closed however it ends."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fluffy_sql import __version__
from fluffy_sql.algorithms import Checkpoint, StepReport
from fluffy_sql.errors import FluffySqlError
from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.measures import Measures
from fluffy_sql.runs.moves import Changes
from fluffy_sql.runs.progress import Progress


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """A finished run, with the names `generate --json` uses.

    Attributes:
        run_id: None if none was recorded: nothing to do, or a dry run.
        kind: `generate` or `recluster`.
        dry_run: whether it was rolled back.
        scopes: of how many scopes its photos were; each is clustered by itself.
        skipped: photos that stay as they are, by reason.
        duplicates: photos that were not clustered and went where the best of their group went.
        inertia, iterations, converged, recall: as of the algorithm's `Fit`.
        groups: how many groups of clusters each coarser level has, the next one first.
        changes: clusters and moves in detail, of a recluster and of a dry run.
        vector_indexes: indexes on embeddings that had to be written for each photo.
    """

    run_id: int | None
    kind: str
    dry_run: bool
    algorithm: str
    metric: str
    seed: int
    k_requested: int | None
    scopes: int
    clusters_created: int = 0
    clusters_kept: int = 0
    clusters_emptied: int = 0
    photos_processed: int = 0
    photos_moved: int = 0
    duplicates: int = 0
    skipped: dict[str, int]
    inertia: float | None = None
    iterations: int | None = None
    converged: bool | None = None
    recall: float | None = None
    quality: Measures | None = None
    embeddings_digest: str | None = None
    groups: tuple[int, ...] = ()
    changes: Changes | None = None
    seconds: dict[str, float]
    vector_indexes: tuple[str, ...] = ()


def open_run(session: Session, **run: object) -> int:
    """Opens the record of a run, for all to see at once; returns its id.

    Args:
        session: the run's main connection, which holds the lock of runs.
        run: parameters of `sql/runs/open.sql`, but for its id and the versions. `seed` is 0 if
            nothing is drawn, `k_requested` None if it is not fixed, `dimensions` None if several.
    """
    [server], [number] = session.fetch_each(
        ("schema/describe_server", {}), ("runs/choose_number", {})
    )
    run_id: int = number["run_id"]
    with session.transaction():  # on the disk, so that a crash of the server leaves a trace of it
        session.send(
            "runs/open",
            run_id=run_id,
            **run,
            tool_version=__version__,
            postgres_version=server["postgres_version"],
            pgvector_version=server["pgvector_version"],
        )
    return run_id


@contextmanager
def record_of(session: Session, run_id: int, *, taken_back: bool) -> Iterator[None]:
    """Closes a run's record: why it failed, if it did; nothing if it is rolled back."""
    session.recorded = not taken_back
    try:
        yield
        session.settle()
    except BaseException as error:
        if not taken_back:
            status, why = "failed", f"bug: {error!r}"
            if isinstance(error, FluffySqlError):
                why = str(error)
            elif isinstance(error, KeyboardInterrupt):
                status, why = "interrupted", "stopped by a signal"
            session.release("runs/fail", run_id=run_id, status=status, error=why)
        raise
    finally:
        if taken_back:
            with session.unexplained():  # not a statement of the run
                session.release("runs/discard", run_id=run_id)


class Clock:
    """Seconds by phase."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._phases: defaultdict[str, float] = defaultdict(float)
        self._phase = "survey"
        self._since = self._begun
        self._locked: float | None = None

    def enter(self, phase: str) -> None:
        """A phase begins, and the one before it ends."""
        self._note()
        self._phase = phase

    def locked(self) -> None:
        """The final transaction has its locks: from now on others may have to wait."""
        self._locked = time.perf_counter()

    def seconds(self) -> dict[str, float]:
        """Seconds by phase so far, and in total; to the millisecond.

        `locked`, of those of the commit, is how long locks have been held.
        """
        self._note()
        spent = {phase: round(seconds, 3) for phase, seconds in self._phases.items()}
        if self._locked is not None:
            spent["locked"] = round(self._since - self._locked, 3)
        return {**spent, "total": round(self._since - self._begun, 3)}

    def _note(self) -> None:
        now = time.perf_counter()
        self._phases[self._phase] += now - self._since
        self._since = now


@dataclass(frozen=True)
class RunRecorder:
    """Writes a run's record as it goes, committed at once, and passes everything on."""

    session: Session
    run_id: int
    clock: Clock
    progress: Progress

    def phase(self, name: str) -> None:
        """A phase begins."""
        self.clock.enter(name)
        self.session.execute("runs/enter_phase", run_id=self.run_id, phase=name)
        self.progress.phase(name)

    def step(self, report: StepReport) -> None:
        """A step is done."""
        self.session.send("runs/record_step", run_id=self.run_id, **vars(report))
        self.progress.step(report)

    def photos(self, done: int) -> None:
        """This many more photos have their label."""
        self.progress.photos(done)

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Training can be resumed from here."""
        self.session.send(
            "runs/write_checkpoint",
            run_id=self.run_id,
            step=checkpoint.step,
            batch_size=checkpoint.batch_size,
            centroids=self.session.vector_array(checkpoint.centroids),
        )
