"""Leiden: themes without k, the communities of a graph of nearest neighbours."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pydantic import Field

from fluffy_sql.algorithms import Algorithm, AlgorithmSettings, Fit, Scope, Task
from fluffy_sql.errors import LibraryError, MissingExtraError
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
    k: int | None = Field(
        default=None, ge=1, le=1_000_000, description="a whole number from 1 to 1,000,000, or null"
    )


@dataclass(frozen=True)
class Leiden(Algorithm[LeidenSettings]):
    """Communities by modularity (Traag, Waltman and van Eck 2019); each scope by itself.

    Edges of the graph weigh as much as the two photos share neighbours.
    """

    tuning: Tuning = field(default_factory=Tuning)

    settings = LeidenSettings
    k_is_exact = False
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
        try:
            from fluffy_sql.graph.communities import label  # noqa: PLC0415 - by the extra `graph`
        except ImportError:
            raise MissingExtraError(
                'the algorithm leiden needs scikit-network; run: pip install "fluffy_sql[graph]"'
            ) from None
        if task.session.distributed:
            raise LibraryError(
                "the algorithm leiden can't cluster photos that are distributed over several"
                " servers; use kmeans"
            )
        from fluffy_sql.postgres.vectors import IntegerArray  # noqa: PLC0415 - loads NumPy
        from fluffy_sql.runs.labels import fit_of_labels  # noqa: PLC0415

        next_label, found_share = 0, 0.0
        with work_tables(task.session, "work_aside"):
            for graph_of in self._graphs(task):
                with graph_of as graph:
                    task.log.phase("communities")
                    asked = task.settings
                    labels = label(graph, asked.granularity, asked.k, task.seed)
                    task.session.execute("graph/label_photos", labels=IntegerArray.of(labels))
                task.session.execute("graph/forget_unlabelled")
                task.session.execute("work_tables/stash_assignments", add=next_label)
                empty(task.session, "work_assignments")
                next_label += int(labels.max(initial=-1)) + 1
                found_share += graph.recall * len(labels)
            task.session.execute("work_tables/restore_assignments")
        fit = fit_of_labels(task, by_centroid=False)
        return replace(fit, recall=found_share / task.survey.eligible)

    def _graphs(self, task: Task[LeidenSettings]) -> "Iterator[AbstractContextManager[Graph]]":
        """A graph of each large scope, and one of all others."""
        from fluffy_sql.graph.neighbours import exact_graph, graph_by_cells  # noqa: PLC0415

        few: list[Scope] = []
        for found in task.survey.scopes:
            if found.eligible > self.tuning.few:
                yield graph_by_cells(task.of_scopes([found]), task.settings.neighbours, self.tuning)
            else:
                few.append(found)
        if few:
            yield exact_graph(task.of_scopes(few), task.settings.neighbours, self.tuning)
