"""The graph of nearest neighbours: found in SQL, of which only the edges come to the client.

The rows compared are in a work table, those of a scope or of a cell side by side. Few photos are
compared with all of their scope; of many, each is compared with those of the cells around it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.algorithms import Task
from fluffy_sql.graph.photos import as_kmeans, note_photos
from fluffy_sql.graph.tuning import Tuning
from fluffy_sql.kmeans.kmeans import KMeans
from fluffy_sql.kmeans.nearest.cells import nearest_few
from fluffy_sql.kmeans.sample import Sample
from fluffy_sql.kmeans.settings import KMeansSettings
from fluffy_sql.kmeans.tuning import Tuning as KMeansTuning
from fluffy_sql.postgres.centroids import Matrix
from fluffy_sql.postgres.ranges import row_ranges
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import IntegerArray
from fluffy_sql.postgres.work_tables import analyze, work_tables
from fluffy_sql.runs.progress import Progress, Unrecorded

Neighbours = NDArray[np.int32]
# RNG stream of the photos that the recall is measured on.
_CHECKED = 2_000_000
_NONE = -1


@dataclass(frozen=True)
class Graph:
    """The nearest neighbours of photos.

    Attributes:
        neighbours: shape (photos, neighbours), places of photos from 0, the nearest first; -1: no
            more. A photo that can't be compared has none and is nobody's.
        compared: shape (photos,), whether the photo could be compared.
        extents: first and last (exclusive) photo of each scope.
        recall: share of the neighbours of a sample of photos that were found.
    """

    neighbours: Neighbours
    compared: NDArray[np.bool_]
    extents: list[tuple[int, int]]
    recall: float


@dataclass(frozen=True)
class Wanted:
    """How many neighbours are sought, and whether they are kept in work_neighbours."""

    neighbours: int
    keep: bool = False


@dataclass(frozen=True)
class _Blocks:
    """Rows side by side, in which neighbours are sought.

    Attributes:
        ranges: positions (after, last] of each.
        centers: shape (blocks, dimensions); none: every block is looked into.
        probes: how many blocks a row looks into.
    """

    ranges: list[tuple[int, int]]
    centers: Matrix
    probes: int = 0


@contextmanager
def exact_graph(task: Task[Any], wanted: Wanted, tuning: Tuning) -> Iterator[Graph]:
    """The exact graph of all scopes of the task; its photos are in work_drawn meanwhile."""
    task.log.phase("sample")
    note_photos(task)
    with Sample.of_whole_scopes(as_kmeans(task)) as (_, found):
        extents = [(row["after_row"], row["last_row"]) for row in found]
        task.log.phase("neighbours")
        finder = _Finder(task, wanted.neighbours, extents[-1][1] if extents else 0)
        jobs = (
            (piece, _exact(extent, task.survey.dimensions, tuning))
            for extent in extents
            for piece in _pieces(extent, tuning)
        )
        finder.find(jobs, keep=wanted.keep)
        yield Graph(finder.neighbours, finder.compared, extents, 1.0)


@contextmanager
def graph_by_cells(task: Task[Any], wanted: Wanted, tuning: Tuning) -> Iterator[Graph]:
    """The graph of the one scope of a task; its photos are in work_drawn meanwhile."""
    task.log.phase("cells")
    centers = _fit_cells(task, tuning)
    with work_tables(task.session, "work_drawn", "work_sample"):
        cells = task.session.fetch_all("graph/draw_by_cell")
        analyze(task.session, "work_drawn", "position")
        ranges = [(cell["after_row"], cell["last_row"]) for cell in cells]
        centers = centers[[cell["label"] for cell in cells]]
        rows = ranges[-1][1] if ranges else 0
        Sample(as_kmeans(task)).fill(rows)
        task.log.phase("neighbours")
        finder = _Finder(task, wanted.neighbours, rows)
        around, probes, recall = _around(task, finder, ranges, centers, tuning)
        finder.find(_jobs(ranges, centers, around, probes, tuning), keep=wanted.keep)
        del ranges, centers, around
        yield Graph(finder.neighbours, finder.compared, [(0, rows)], recall)


def no_neighbours(photos: int, neighbours: int) -> Neighbours:
    """Room for the neighbours of photos."""
    return np.full((photos, neighbours), _NONE, dtype=np.int32)


def read_neighbours(rows: Iterable[dict[str, Any]], into: Neighbours) -> None:
    """Reads what the database says: positions of photos from 1, and of their neighbours."""
    for row in rows:
        found = np.frombuffer(row["neighbours"] or b"", dtype=">i4")
        into[row["position"] - 1, : len(found)] = found - 1


def _fit_cells(task: Task[Any], tuning: Tuning) -> Matrix:
    """Assigns photos to cells in work_assignments; their centers by label."""
    photos = task.survey.eligible
    settings = KMeansSettings(
        k=max(1, photos // tuning.photos_per_cell),
        sample_per_cluster=tuning.sample_per_cell,
        restarts=1,
        refine=False,
        iterations=tuning.cell_steps,
    )
    # The steps that find cells are not the run's.
    given = vars(task) | {
        "settings": settings,
        "log": Unrecorded(Progress()),
        "start": {},
        "resume": None,
    }
    fit = KMeans(KMeansTuning(seeds_apart=False)).fit(Task(**given))
    centers = np.zeros((settings.k, task.survey.dimensions), dtype=np.float32)
    centers[fit.labels] = fit.centroids
    return centers


class _Finder:
    """Finds neighbours of rows, with all connections of a task."""

    def __init__(self, task: Task[Any], neighbours: int, rows: int) -> None:
        self._task = task
        self.neighbours = no_neighbours(rows, neighbours)
        self.compared = np.zeros(rows, dtype=np.bool_)

    def find(
        self, jobs: Iterable[tuple[NDArray[np.int32], _Blocks]], *, keep: bool = False
    ) -> None:
        """Finds the neighbours of each job's positions, in its blocks."""
        wide = self.neighbours.shape[1]

        def find(session: Session, job: tuple[NDArray[np.int32], _Blocks]) -> list[dict[str, Any]]:
            positions, blocks = job
            return session.fetch_all(
                "graph/find_neighbours",
                positions=IntegerArray.of(positions),
                neighbours=wide,
                afters=[after for after, _ in blocks.ranges],
                lasts=[last for _, last in blocks.ranges],
                centers=session.vector_array(blocks.centers),
                probes=blocks.probes,
                keep=keep,
            )

        for rows in self._task.workers.map(find, jobs):
            self.compared[[row["position"] - 1 for row in rows]] = True
            read_neighbours(rows, self.neighbours)
            self._task.log.photos(len(rows))


def _pieces(extent: tuple[int, int], tuning: Tuning) -> Iterator[NDArray[np.int32]]:
    """Positions from 1, cut for connections to share."""
    after_row, last_row = extent
    for after, last in row_ranges(last_row - after_row, last_row, tuning.rows_at_once):
        yield np.arange(after_row + after + 1, after_row + last + 1, dtype=np.int32)


def _exact(extent: tuple[int, int], dimensions: int, tuning: Tuning) -> _Blocks:
    """All rows of an extent, in blocks."""
    after_row, last_row = extent
    pieces = row_ranges(last_row - after_row, last_row, tuning.rows_of_block)
    ranges = [(after_row + after, after_row + last) for after, last in pieces]
    return _Blocks(ranges, np.empty((0, dimensions), dtype=np.float32))


def _jobs(
    ranges: list[tuple[int, int]],
    centers: Matrix,
    around: NDArray[np.intp],
    probes: int,
    tuning: Tuning,
) -> Iterator[tuple[NDArray[np.int32], _Blocks]]:
    """The rows of each cell, and the cells around it."""
    for cell, extent in enumerate(ranges):
        near = _cells(ranges, centers, around[cell], probes)
        for positions in _pieces(extent, tuning):
            yield positions, near


def _cells(
    ranges: list[tuple[int, int]], centers: Matrix, around: NDArray[np.intp], probes: int
) -> _Blocks:
    return _Blocks([ranges[near] for near in around], centers[around], probes)


def _around(
    task: Task[Any],
    finder: _Finder,
    ranges: list[tuple[int, int]],
    centers: Matrix,
    tuning: Tuning,
) -> tuple[NDArray[np.intp], int, float]:
    """The cells around each cell, in how many of them its rows look, and the recall of that.

    The fewest with which some rows find what they find among all rows, up to a limit.
    """
    rows = len(finder.neighbours)
    generator = np.random.default_rng([task.seed, _CHECKED])
    checked = np.sort(generator.choice(rows, min(rows, tuning.checked_photos), replace=False))
    everything = _exact((0, rows), task.survey.dimensions, tuning)
    pieces = np.array_split((checked + 1).astype(np.int32), tuning.checks)
    finder.find((piece, everything) for piece in pieces if len(piece))
    exact = finder.neighbours[checked]
    cell_of = np.searchsorted([last for _, last in ranges], checked + 1)
    probes = tuning.least_probes
    most = max(probes, min(len(ranges), tuning.most_compared * len(ranges) // max(1, rows)))
    while True:
        around = nearest_few(centers, centers, min(len(ranges), tuning.width * probes))
        finder.neighbours[checked] = _NONE
        finder.find(
            (
                np.array([place + 1], dtype=np.int32),
                _cells(ranges, centers, around[cell], probes),
            )
            for place, cell in zip(checked, cell_of, strict=True)
        )
        recall = _recall(exact, finder.neighbours[checked])
        if recall >= tuning.sought_recall or probes >= most:
            return around, probes, recall
        probes = min(most, probes + -(-probes // 2))


def _recall(exact: Neighbours, found: Neighbours) -> float:
    """The share of neighbours that were found."""
    there = exact != _NONE
    hit = (exact[:, :, None] == found[:, None, :]).any(axis=2) & there
    return float(hit.sum() / max(1, there.sum()))
