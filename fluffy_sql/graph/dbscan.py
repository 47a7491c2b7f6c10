"""DBSCAN: themes without k of any shape, where photos are dense; the others are noise."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from pydantic import Field

from fluffy_sql.algorithms import LEFT_OUT, Algorithm, AlgorithmSettings, Fit, Sweep, Task
from fluffy_sql.graph.eps import EPS_SWEPT
from fluffy_sql.graph.photos import refuse_distributed
from fluffy_sql.graph.tuning import Tuning


class DBSCANSettings(AlgorithmSettings):
    """What DBSCAN is asked for."""

    eps: float = Field(
        default=0.1, gt=0, allow_inf_nan=False, description="a distance, more than 0"
    )
    min_samples: int = Field(
        default=5, ge=1, le=1_000_000, description="a whole number from 1 to 1,000,000"
    )


@dataclass(frozen=True)
class DBSCAN(Algorithm[DBSCANSettings]):
    """Density-based clusters (Ester, Kriegel, Sander and Xu 1996), exact; each scope by itself."""

    tuning: Tuning = field(default_factory=Tuning)

    settings = DBSCANSettings
    swept = EPS_SWEPT

    def fit(self, task: Task[DBSCANSettings]) -> Fit:
        """Finds all pairs within `eps` in the database, and clusters of them here.

        Raises:
            LibraryError: photos are distributed over several servers, or too many pairs are that
                near.
        """
        refuse_distributed(task, "dbscan")
        from fluffy_sql.graph.density import label  # noqa: PLC0415 - loads NumPy
        from fluffy_sql.graph.pairs import pairs_within  # noqa: PLC0415
        from fluffy_sql.postgres.vectors import IntegerArray  # noqa: PLC0415
        from fluffy_sql.runs.labels import fit_of_labels  # noqa: PLC0415

        with pairs_within(task, task.settings.eps, self.tuning) as pairs:
            task.log.phase("clusters")
            labels = label(pairs, task.settings.min_samples)
            task.session.execute("graph/label_photos", labels=IntegerArray.of(labels))
        task.session.execute("graph/forget_unlabelled")
        left_out = {"noise": int((labels == LEFT_OUT).sum())}
        return fit_of_labels(task, left_out=left_out, by_centroid=False)

    def sweep(
        self, task: Task[DBSCANSettings], values: Sequence[float]
    ) -> AbstractContextManager[Sweep]:
        """Finds pairs once, which each eps is tried on.

        Raises:
            LibraryError: as from `fit`.
        """
        refuse_distributed(task, "dbscan")
        from fluffy_sql.graph.eps_sweep import eps_sweep  # noqa: PLC0415 - loads NumPy

        return eps_sweep(task, values, task.settings.min_samples, self.tuning)
