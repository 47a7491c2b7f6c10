"""Leiden: themes without k, the communities of a graph of nearest neighbours."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING

from pydantic import Field, ValidationInfo, field_validator

from fluffy_sql.algorithms import LEFT_OUT, Algorithm, AlgorithmSettings, Fit, Scope, Sweep, Task
from fluffy_sql.errors import MissingExtraError
from fluffy_sql.graph.granularity import GRANULARITY_SWEPT
from fluffy_sql.graph.photos import refuse_distributed
from fluffy_sql.graph.tuning import Tuning
from fluffy_sql.postgres.work_tables import empty, work_tables

if TYPE_CHECKING:
    from fluffy_sql.graph.neighbours import Graph


class LeidenSettings(AlgorithmSettings):
    """What Leiden is asked for."""

    neighbours: int = Field(
        default=15, ge=1, le=1_000, description="a whole number from 1 to 1,000"
    )
    granularity: float = Field(
        default=1.0, gt=0, le=1_000, description="a number, more than 0, up to 1,000"
    )
    keep: bool = Field(default=False, description="true or false")
    k: int | None = Field(
        default=None, ge=1, le=1_000_000, description="a whole number from 1 to 1,000,000, or null"
    )
    levels: list[float] = Field(
        default_factory=list,
        description=(
            "a list of numbers above 0, each smaller than the one before and the first smaller than"
            " the granularity, as in [0.5, 0.25]"
        ),
    )
    noise: float | None = Field(
        default=None, gt=0, le=1, description="a number, more than 0, up to 1, or null"
    )

    @field_validator("levels")
    @classmethod
    def _require_coarser(cls, levels: list[float], others: ValidationInfo) -> list[float]:
        finest = inf if others.data.get("k") else others.data.get("granularity", inf)
        if not all(above > level > 0 for above, level in pairwise([finest, *levels])):
            raise ValueError
        return levels


@dataclass(frozen=True)
class Leiden(Algorithm[LeidenSettings]):
    """Communities by modularity (Traag, Waltman and van Eck 2019); each scope by itself.

    Edges of the graph weigh as much as the two photos share neighbours.
    """

    tuning: Tuning = field(default_factory=Tuning)

    settings = LeidenSettings
    swept = GRANULARITY_SWEPT
    k_is_exact = False
    wanted_recall = 0.95
    recall_of = (
        "the nearest neighbours of the photos checked, {} were found; with this many photos, a"
        " photo is compared only with those around it."
    )

    def k_requested(self, settings: LeidenSettings) -> int | None:
        """About how many clusters each scope is to have."""
        return settings.k

    def fit(self, task: Task[LeidenSettings]) -> Fit:
        """Finds the graph in the database, and communities in it here.

        Raises:
            MissingExtraError: scikit-network is not installed.
            LibraryError: photos are distributed over several servers.
        """
        with _needs_scikit_network():
            from fluffy_sql.graph.communities import label  # noqa: PLC0415 - by the extra `graph`
        refuse_distributed(task, "leiden")
        import numpy as np  # noqa: PLC0415 - not to check settings

        from fluffy_sql.postgres.vectors import IntegerArray  # noqa: PLC0415
        from fluffy_sql.runs.labels import fit_of_labels  # noqa: PLC0415

        next_label, noise, found_share = 0, 0, 0.0
        groups = []
        # Nearest among some of the photos are nobody's nearest.
        keep = task.settings.keep and (task.reclusters or not task.survey.clustered)
        with work_tables(task.session, "work_aside"):
            for graph_of in self._graphs(task, keep=keep):
                with graph_of as graph:
                    task.log.phase("communities")
                    labels, found = label(graph, task.settings, task.seed)
                    groups.append(found + next_label)
                    noise += int((labels == LEFT_OUT).sum())
                    task.session.execute("graph/label_photos", labels=IntegerArray.of(labels))
                task.session.execute("graph/forget_unlabelled")
                task.session.execute("work_tables/stash_assignments", add=next_label)
                empty(task.session, "work_assignments")
                next_label += found.shape[1]
                found_share += graph.recall * len(labels)
            task.session.execute("work_tables/restore_assignments")
        left_out = {"noise": noise} if task.settings.noise else {}
        fit = fit_of_labels(task, left_out=left_out, by_centroid=False)
        levels = np.concatenate(groups, axis=1)[:, fit.labels]
        recall = found_share / task.survey.eligible
        return replace(fit, recall=recall, levels=[*levels], keeps_neighbours=keep)

    @contextmanager
    def sweep(self, task: Task[LeidenSettings], values: Sequence[float]) -> Iterator[Sweep]:
        """Makes one graph, which all granularities are tried on.

        Raises:
            MissingExtraError: scikit-network is not installed.
            LibraryError: photos are distributed over several servers.
        """
        with _needs_scikit_network():
            from fluffy_sql.graph.sweep import GranularitySweep  # noqa: PLC0415 - by the extra `graph`
        refuse_distributed(task, "leiden")
        [graph_of] = self._graphs(task)
        with work_tables(task.session, "work_assignments"), graph_of as graph:
            yield GranularitySweep(graph, values, task.seed)

    def _graphs(
        self, task: Task[LeidenSettings], *, keep: bool = False
    ) -> "Iterator[AbstractContextManager[Graph]]":
        """A graph of each large scope, and one of all others."""
        few: list[Scope] = []
        for found in task.survey.scopes:
            if found.eligible > self.tuning.few:
                yield self._graph(task.of_scopes([found]), keep=keep)
            else:
                few.append(found)
        if few:
            yield self._graph(task.of_scopes(few), keep=keep)

    @contextmanager
    def _graph(self, task: Task[LeidenSettings], *, keep: bool) -> "Iterator[Graph]":
        """The graph of a large scope or of several small ones; if it was kept, that."""
        from fluffy_sql.graph.kept import kept_graph  # noqa: PLC0415 - loads NumPy
        from fluffy_sql.graph.neighbours import Wanted, exact_graph, graph_by_sketches  # noqa: PLC0415

        wanted = Wanted(task.settings.neighbours, keep)
        if keep:
            with kept_graph(task, wanted.neighbours) as graph:
                if graph is not None:
                    yield graph
                    return
        large = task.survey.scopes[0].eligible > self.tuning.few
        make = graph_by_sketches if large else exact_graph
        with make(task, wanted, self.tuning) as graph:
            yield graph


@contextmanager
def _needs_scikit_network() -> Iterator[None]:
    try:
        yield
    except ImportError:
        raise MissingExtraError(
            'the algorithm leiden needs scikit-network; run: pip install "fluffy_sql[graph]"'
        ) from None
