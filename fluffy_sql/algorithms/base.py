"""What an algorithm is: it labels photos in the run's work table; the service commits them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fluffy_sql.database.session import Session
    from fluffy_sql.database.workers import Workers
    from fluffy_sql.settings import ClusteringSettings
    from fluffy_sql.types import Checkpoint, Fit, Scope, StepReport, Survey


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
        survey: how many photos there are, whose, and of which dimensions.
        settings: the clustering section of the settings.
        reclusters: whether photos that are in a cluster are clustered anew, too.
        start: by scope, of shape (clusters, dimensions), centroids to start from; a scope that has
            none starts from nothing. An algorithm without centroids pays no heed to them.
        resume: where an earlier run had come to; None: a run from the beginning.
        log: where it says how it goes.
    """

    session: Session
    workers: Workers
    survey: Survey
    settings: ClusteringSettings
    log: RunLog
    reclusters: bool = False
    start: Mapping[int | None, NDArray[np.float32]] = field(default_factory=dict)
    resume: Checkpoint | None = None

    @property
    def scope(self) -> int | None:
        """Whose photos they are, of a task for one scope."""
        [only] = self.survey.scopes
        return only.scope

    def clusters_of(self, found: Scope) -> int:
        """How many clusters to make of one of its scopes."""
        return min(self.settings.k_for(found.scope), found.eligible)

    def of_scopes(self, scopes: Sequence[Scope]) -> Task:
        """The task for some of its scopes."""
        return replace(self, survey=replace(self.survey, scopes=tuple(scopes)))


class Algorithm(Protocol):
    """One way to cluster. Add another as a file of its own and name it in the registry."""

    def fit(self, task: Task) -> Fit:
        """Writes photo_id, label, distance and row_version of all it places.

        They go to the table work_assignments.

        A photo it leaves out (noise, say) stays without a cluster. Labels are any integers; photos
        of two scopes never share one. Work tables of its own are made in `sql/work_tables/` and
        dropped by it, whatever happens.
        """
