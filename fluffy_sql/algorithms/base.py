"""What an algorithm is: it labels photos in the run's work table; the service commits them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fluffy_sql.database.session import Session
    from fluffy_sql.database.workers import Workers
    from fluffy_sql.settings import ClusteringSettings
    from fluffy_sql.types import Checkpoint, Fit, StepReport, Survey


class RunLog(Protocol):
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
        survey: how many photos there are, and of which dimensions.
        settings: the clustering section of the settings.
        reclusters: whether photos that are in a cluster are clustered anew, too.
        start: shape (clusters, dimensions), centroids to start from; None: from nothing. An
            algorithm without centroids pays no heed to them.
        resume: where an earlier run had come to; None: a run from the beginning.
        log: where it says how it goes.
    """

    session: Session
    workers: Workers
    survey: Survey
    settings: ClusteringSettings
    log: RunLog
    reclusters: bool = False
    start: NDArray[np.float32] | None = None
    resume: Checkpoint | None = None


class Algorithm(Protocol):
    """One way to cluster. Add another as a file of its own and name it in the registry."""

    def fit(self, task: Task) -> Fit:
        """Writes (photo_id, label, distance) of every photo it places into fluffy_sql_assignments.

        A photo it leaves out (noise, say) stays without a cluster. Labels are any integers. Work
        tables of its own are made in `sql/work_tables/` and dropped by it, whatever happens.
        """
