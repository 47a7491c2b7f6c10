"""All pairs of photos that are near each other: found in SQL, of which only the pairs come here.

Exact: bounds leave out what can't be near, and what remains is compared. A photo looks into the
cells around its own, there at rows as far from the center as it is, and of these at those that are
near along the main directions; then the photos themselves are compared.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.algorithms import Task
from fluffy_sql.errors import LibraryError
from fluffy_sql.graph.photos import as_kmeans, note_photos
from fluffy_sql.graph.tuning import Tuning
from fluffy_sql.kmeans.nearest.cells import cell_centers
from fluffy_sql.kmeans.projection import Projection, identity_projection
from fluffy_sql.kmeans.sample import Sample
from fluffy_sql.kmeans.settings import KMeansSettings
from fluffy_sql.postgres.centroids import Matrix
from fluffy_sql.postgres.ranges import row_ranges
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.work_tables import analyze, work_tables
from fluffy_sql.words import count

Places = NDArray[np.int32]

_PAIR = np.dtype([("first", ">i4"), ("second", ">i4"), ("distance", ">f4")])
# RNG stream of the cells.
_CELLS = 3_000_000
# As a share of how far off photos are: what float4 may have rounded away of a coordinate.
_ROUNDING = 1e-5


@dataclass(frozen=True)
class Pairs:
    """Photos by their places from 0, those of a scope side by side, and which are near each other.

    Work_drawn says which photo is at a place: its position less 1. Of photos with the very same
    embedding the first stands for all: the others are in one pair each, with it. So a thousand
    equal photos make a thousand pairs and not half a million.

    Attributes:
        first: shape (pairs,), places, rising.
        second: shape (pairs,), places, each larger than the first.
        distance: shape (pairs,), the metric's.
        compared: shape (photos,), whether the photo could be compared; if not, it is in no pair.
        originals: shape (photos,), the first photo with the same embedding; itself: there is none.
    """

    first: Places
    second: Places
    distance: NDArray[np.float32]
    compared: NDArray[np.bool_]
    originals: Places

    @property
    def photos(self) -> int:
        """How many places there are."""
        return len(self.compared)


@dataclass(frozen=True)
class _Cells:
    """The cells of a scope, in the order of their labels.

    Attributes:
        directions: of the sample of its photos.
        centers: shape (cells, width of the sample).
        first_label: of the first cell.
    """

    directions: Projection
    centers: Matrix
    first_label: int


@dataclass(frozen=True)
class _Block:
    """Rows (after, last] of a cell, or of a scope without any, and a point that they are about."""

    scope: int
    center: NDArray[np.float32]
    after_row: int
    last_row: int


@contextmanager
def pairs_within(task: Task[Any], within: float, tuning: Tuning) -> Iterator[Pairs]:
    """All pairs of photos of the same scope whose distance is at most `within`.

    But of equal photos the first stands for all; see Pairs. The distance is the metric's: cosine
    distance, or Euclidean; at the border it is as float4 rounds it. Meanwhile photos are in
    work_drawn, and in work_assignments with the versions that their rows had; labels mean nothing.

    Raises:
        LibraryError: there are more pairs than memory is set aside for, or photos that Postgres
            can't measure.
    """
    task.log.phase("cells")
    note_photos(task)
    cells = list(_cells_of_large_scopes(task, tuning))
    with work_tables(task.session, "work_drawn", "work_sample"):
        extents = task.session.fetch_all("graph/draw_by_cell")
        analyze(task.session, "work_drawn", "position")
        photos = extents[-1]["last_row"] if extents else 0
        Sample(as_kmeans(task)).check_lengths(photos)
        finder = _Finder(task, within, photos, tuning)
        for blocks, directions in _parts(task, extents, cells):
            finder.find(blocks, directions)
        yield finder.found()


def components(first: Places, second: Places, photos: int) -> Places:
    """The lowest place that each is connected with, its own if with none; shape (photos,)."""
    lowest = np.arange(photos, dtype=np.int32)
    while True:
        left, right = lowest[first], lowest[second]
        if np.array_equal(left, right):
            return lowest
        np.minimum.at(lowest, np.maximum(left, right), np.minimum(left, right))
        while not np.array_equal(lowest, lower := lowest[lowest]):
            lowest = lower


def _cells_of_large_scopes(task: Task[Any], tuning: Tuning) -> Iterator[_Cells]:
    """Cells of each; its photos get their labels in work_assignments."""
    next_label = 0
    for found in task.survey.scopes:
        if found.eligible <= tuning.few:
            continue
        k = int(tuning.cells_of_root * math.sqrt(found.eligible))
        whole = KMeansSettings(sample_per_cluster=found.eligible)
        with Sample.drawn(as_kmeans(task.of_scopes([found]), whole), k) as sample:
            if not sample.size:
                continue
            rows = sample.fetch_rows(min(tuning.sample_per_cell * k, sample.most_rows(k)))
            centers = cell_centers(
                sample.directions.onto_span(rows), k, np.random.default_rng([task.seed, _CELLS])
            )
            sample.write_ranges(
                "graph/assign_cells",
                sample.ranges(0, sample.size),
                centers=task.session.vector_array(centers),
                first_label=next_label,
            )
        yield _Cells(sample.directions, centers, next_label)
        next_label += len(centers)


def _parts(
    task: Task[Any], extents: list[dict[str, Any]], cells: list[_Cells]
) -> Iterator[tuple[list[_Block], Projection]]:
    """Blocks of large scopes by themselves, and of small ones together; all rows are in one."""
    dimensions = task.survey.dimensions
    whole = _Cells(identity_projection(dimensions), np.zeros((1, dimensions), np.float32), 0)
    scopes = {scope: place for place, scope in enumerate({row["scope"]: None for row in extents})}

    def of(extent: dict[str, Any]) -> int:
        return sum(found.first_label <= extent["label"] for found in cells)

    for place, own in groupby(extents, of):
        found = [whole, *cells][place]
        blocks = [
            _Block(
                scopes[row["scope"]],
                found.centers[max(0, row["label"] - found.first_label)],
                row["after_row"],
                row["last_row"],
            )
            for row in own
        ]
        yield blocks, found.directions


def _cut(after_row: int, last_row: int, about: int) -> list[tuple[int, int]]:
    """Cuts positions (after, last] into ranges for connections to share."""
    pieces = row_ranges(last_row - after_row, last_row - after_row, about)
    return [(after_row + after, after_row + last) for after, last in pieces]


class _Finder:
    """Finds pairs, with all connections of a task."""

    def __init__(self, task: Task[Any], within: float, photos: int, tuning: Tuning) -> None:
        self._task = task
        self._within = within
        self._tuning = tuning
        self._pieces: list[NDArray[np.void]] = []
        self._count = 0
        self._compared = np.zeros(photos, dtype=np.bool_)
        self._originals = np.arange(photos, dtype=np.int32)

    def find(self, blocks: list[_Block], directions: Projection) -> None:
        """Finds the pairs among the rows of some blocks, which are all of their scopes.

        Raises:
            LibraryError: there are more pairs than memory is set aside for.
        """
        after_row, last_row = blocks[0].after_row, blocks[-1].last_row
        self._task.log.phase("sample")
        sample = Sample(as_kmeans(self._task))
        sample.directions = directions
        sample.fill(last_row, after_row)
        self._drop_copies(blocks)
        self._task.log.phase("pairs")
        parameters = self._parameters(directions)

        def find(session: Session, rows: tuple[int, int]) -> dict[str, Any]:
            near = _of_scopes(blocks, *rows)
            [found] = session.fetch_all(
                "graph/find_pairs",
                **parameters,
                after_row=rows[0],
                last_row=rows[1],
                centers=session.vector_array(np.stack([block.center for block in near])),
                afters=[block.after_row for block in near],
                lasts=[block.last_row for block in near],
                scopes=[block.scope for block in near],
            )
            return found

        jobs = _cut(after_row, last_row, self._tuning.rows_of_pairs)
        for rows, found in zip(jobs, self._task.workers.map(find, jobs), strict=True):
            self._add(found)
            self._task.log.photos(rows[1] - rows[0])

    def _drop_copies(self, blocks: list[_Block]) -> None:
        """Leaves the first of equal photos in the sample."""

        def drop(session: Session, some: list[_Block]) -> dict[str, Any]:
            [dropped] = session.fetch_all(
                "graph/drop_copies",
                afters=[block.after_row for block in some],
                lasts=[block.last_row for block in some],
                normalize=self._task.normalize,
            )
            return dropped

        several = self._tuning.blocks_at_once
        jobs = (blocks[place : place + several] for place in range(0, len(blocks), several))
        for dropped in self._task.workers.map(drop, jobs):
            if dropped["copies"] is not None:
                copies = dropped["copies"] - 1
                self._compared[copies] = True
                self._originals[copies] = dropped["originals"] - 1

    def _parameters(self, directions: Projection) -> dict[str, Any]:
        """What is the same for all rows."""
        cosine = self._task.normalize
        return {
            # Unit vectors: half the square of the Euclidean distance is the cosine distance.
            "radius": math.sqrt(2 * self._within) if cosine else self._within,
            "squared": cosine,
            "projected": directions.reduced,
            "normalize": cosine,
            "dimensions": self._task.survey.dimensions,
            "rounding": _ROUNDING * float(np.linalg.norm(directions.origin)),
            "most": self._tuning.most_pairs + 1,
        }

    def _add(self, found: dict[str, Any]) -> None:
        self._compared[np.frombuffer(found["compared"] or b"", ">i4") - 1] = True
        pairs = np.frombuffer(found["pairs"] or b"", _PAIR)
        self._count += len(pairs)
        if self._count > self._tuning.most_pairs:
            raise LibraryError(
                f"more than {count(self._tuning.most_pairs, 'pair')} of photos are within a"
                f" distance of {self._within:g}, too many to hold in memory; choose a smaller"
                " distance"
            )
        self._pieces.append(pairs)

    def found(self) -> Pairs:
        """What was found so far; nothing more is to be found then."""
        copies = np.flatnonzero(self._originals != np.arange(len(self._originals)))
        of_copies = np.zeros(len(copies), _PAIR)
        of_copies["first"], of_copies["second"] = self._originals[copies] + 1, copies + 1
        found = np.concatenate([*self._pieces, of_copies])
        self._pieces.clear()
        if len(copies):
            found = found[np.argsort(found["first"], kind="stable")]
        return Pairs(
            (found["first"] - 1).astype(np.int32),
            (found["second"] - 1).astype(np.int32),
            found["distance"].astype(np.float32),
            self._compared,
            self._originals,
        )


def _of_scopes(blocks: list[_Block], after_row: int, last_row: int) -> list[_Block]:
    """The blocks with rows (after, last], and those after them of the same scopes."""
    first = next(place for place, block in enumerate(blocks) if block.last_row > after_row)
    scope = next(block.scope for block in blocks if block.last_row >= last_row)
    end = sum(block.scope <= scope for block in blocks)
    return blocks[first:end]
