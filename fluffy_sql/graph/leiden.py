"""Leiden: themes without k, the communities of a graph of nearest neighbours."""

from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fluffy_sql.algorithms import Algorithm, AlgorithmSettings, Fit, Task
from fluffy_sql.errors import LibraryError, MissingExtraError
from fluffy_sql.graph.communities import communities, search, shared_neighbours
from fluffy_sql.graph.neighbours import Graph, graph_of_large, graph_of_small
from fluffy_sql.graph.tuning import Tuning
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import IntegerArray
from fluffy_sql.postgres.work_tables import empty, work_tables
from fluffy_sql.runs.labels import fit_of_labels

# The resolution of modularity grows with the library, or themes would: 1 in a thousand photos.
_PHOTOS_OF_RESOLUTION = 1_000


class LeidenSettings(AlgorithmSettings):
    """What Leiden is asked for."""

    neighbours: int = Field(default=15, ge=1, le=1_000, description="a whole number from 1 to 1,000")
    granularity: float = Field(default=1.0, gt=0, le=1e6, description="a number, more than 0")
    k: int | None = Field(
        default=None, ge=1, le=1_000_000, description="a whole number from 1 to 1,000,000, or null"
    )


@dataclass(frozen=True)
class Leiden(Algorithm[LeidenSettings]):
    """Communities by modularity, of a graph weighted by shared neighbours; scope by scope."""

    tuning: Tuning = field(default_factory=Tuning)

    settings = LeidenSettings

    def fit(self, task: Task[LeidenSettings]) -> Fit:
        """Finds the graph in the database, and communities in it here.

        Raises:
            MissingExtraError: scikit-network is not installed.
            LibraryError: photos are distributed over several servers.
        """
        if find_spec("sknetwork") is None:
            raise MissingExtraError('leiden needs scikit-network; run: pip install "fluffy_sql[graph]"')
        if task.session.distributed:
            raise LibraryError(
                "leiden can't cluster photos that are distributed over several servers; use kmeans"
            )
        small = [found for found in task.survey.scopes if found.eligible <= self.tuning.few]
        large = [found for found in task.survey.scopes if found.eligible > self.tuning.few]
        recalls = []
        with work_tables(task.session, "work_aside"):
            labels = 0
            for graph_of, scopes in [(graph_of_large, [found]) for found in large] + (
                [(graph_of_small, small)] if small else []
            ):
                part = task.of_scopes(scopes)
                with graph_of(part, task.settings.neighbours, self.tuning) as graph:
                    found = self._label(part, graph)
                    recalls.append((graph.recall, part.survey.eligible))
                    task.session.execute("graph/label_photos", labels=IntegerArray.of(found))
                task.session.execute("graph/forget_unlabelled")
                task.session.execute("work_tables/stash_assignments", add=labels)
                empty(task.session, "work_assignments")
                labels += int(found.max(initial=-1)) + 1
            task.session.execute("work_tables/restore_assignments")
        fit = fit_of_labels(task, by_centroid=False)
        shares = np.array([photos for _, photos in recalls])
        return replace(fit, recall=float(np.average([recall for recall, _ in recalls], weights=shares)))

    def _label(self, task: Task[LeidenSettings], graph: Graph) -> NDArray[np.int32]:
        task.log.phase("communities")
        labels = np.full(len(graph.neighbours), -1, dtype=np.int32)
        for first, last in graph.extents:
            own = graph.neighbours[first:last]
            compared = np.flatnonzero(graph.compared[first:last])
            renumbered = np.full(last - first + 1, -1, dtype=np.int32)
            renumbered[compared] = np.arange(len(compared))
            found = self._communities(task, renumbered[np.where(own >= 0, own - first, -1)][compared])
            labels[first + compared] = found + labels.max(initial=-1) + 1
        return labels
    
    def _communities(self, task, neighbours):
        if not len(neighbours):
            return np.empty(0, dtype=np.int32)
        weights = shared_neighbours(neighbours)
        resolution = len(neighbours) / _PHOTOS_OF_RESOLUTION
        def find(granularity):
            return communities(weights, granularity * resolution, task.seed)
        if task.settings.k is None:
            return find(task.settings.granularity)
        return search(find, task.settings.k)
