"""Leiden: themes without k, the communities of a graph of nearest neighbours."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fluffy_sql.algorithms import Algorithm, AlgorithmSettings, Fit, Scope, Task
from fluffy_sql.errors import LibraryError, MissingExtraError
from fluffy_sql.graph.communities import Labels, communities, search, shared_neighbours
from fluffy_sql.graph.neighbours import Graph, exact_graph, graph_by_cells
from fluffy_sql.graph.tuning import Tuning
from fluffy_sql.postgres.vectors import IntegerArray
from fluffy_sql.postgres.work_tables import empty, work_tables
from fluffy_sql.runs.labels import fit_of_labels

# The resolution of modularity grows with the number of photos: a fixed one merges ever more of
# them (its resolution limit, Fortunato and Barthelemy 2007).
_PHOTOS_OF_RESOLUTION = 1_000


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
    recall_of = (
        "the nearest neighbours of the photos checked, {} were found; with this many photos, a"
        " photo is compared only with those around it."
    )

    def fit(self, task: Task[LeidenSettings]) -> Fit:
        """Finds the graph in the database, and communities in it here.

        Raises:
            MissingExtraError: scikit-network is not installed.
            LibraryError: photos are distributed over several servers.
        """
        if find_spec("sknetwork") is None:
            raise MissingExtraError(
                'the algorithm leiden needs scikit-network; run: pip install "fluffy_sql[graph]"'
            )
        if task.session.distributed:
            raise LibraryError(
                "the algorithm leiden can't cluster photos that are distributed over several"
                " servers; use kmeans"
            )
        next_label, found_share = 0, 0.0
        with work_tables(task.session, "work_aside"):
            for graph_of in self._graphs(task):
                with graph_of as graph:
                    task.log.phase("communities")
                    labels = _label(task, graph)
                    task.session.execute("graph/label_photos", labels=IntegerArray.of(labels))
                task.session.execute("graph/forget_unlabelled")
                task.session.execute("work_tables/stash_assignments", add=next_label)
                empty(task.session, "work_assignments")
                next_label += int(labels.max(initial=-1)) + 1
                found_share += graph.recall * len(labels)
            task.session.execute("work_tables/restore_assignments")
        fit = fit_of_labels(task, by_centroid=False)
        return replace(fit, recall=found_share / task.survey.eligible)

    def _graphs(self, task: Task[LeidenSettings]) -> Iterator[AbstractContextManager[Graph]]:
        """A graph of each large scope, and one of all others."""
        few: list[Scope] = []
        for found in task.survey.scopes:
            if found.eligible > self.tuning.few:
                yield graph_by_cells(task.of_scopes([found]), task.settings.neighbours, self.tuning)
            else:
                few.append(found)
        if few:
            yield exact_graph(task.of_scopes(few), task.settings.neighbours, self.tuning)


def _label(task: Task[LeidenSettings], graph: Graph) -> Labels:
    """Labels by position, those of a scope its own; -1: the photo could not be compared."""
    labels = np.full(len(graph.neighbours), -1, dtype=np.int32)
    next_label = 0
    for first, last in graph.extents:
        compared = first + np.flatnonzero(graph.compared[first:last])
        if len(compared):
            found = _communities(task, _renumbered(graph.neighbours[first:last], first, compared))
            labels[compared] = found + next_label
            next_label += int(found.max()) + 1
    return labels


def _renumbered(
    neighbours: NDArray[np.int32], first: int, compared: NDArray[np.intp]
) -> NDArray[np.int32]:
    """Neighbours of the photos that could be compared, by their places among these."""
    places = np.full(len(neighbours) + 1, -1, dtype=np.int32)  # the last is that of -1
    places[compared - first] = np.arange(len(compared), dtype=np.int32)
    own = neighbours[compared - first]
    renumbered: NDArray[np.int32] = places[np.where(own < 0, -1, own - first)]
    return renumbered


def _communities(task: Task[LeidenSettings], neighbours: NDArray[np.int32]) -> Labels:
    weights = shared_neighbours(neighbours)
    resolution = len(neighbours) / _PHOTOS_OF_RESOLUTION

    def find(granularity: float) -> Labels:
        return communities(weights, granularity * resolution, task.seed)

    if task.settings.k is None:
        return find(task.settings.granularity)
    return search(find, task.settings.k)
