"""The graph of nearest neighbours: found in SQL; edges come to the client, and sketches of photos.

The rows compared are in a work table, those of a scope side by side. Few photos are compared with
all of their scope; of many, each is compared with those whose sketches are nearest to its own.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from fluffy_sql.algorithms import Task
from fluffy_sql.graph.photos import as_kmeans, note_photos
from fluffy_sql.graph.sketches import Places, Sketches, fetch_sketches
from fluffy_sql.graph.tuning import Tuning
from fluffy_sql.kmeans.sample import Sample
from fluffy_sql.postgres.ranges import row_ranges
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import IntegerArray

Neighbours = NDArray[np.int32]
# RNG stream of the photos that the recall is measured on.
_CHECKED = 2_000_000
_NONE = -1


@dataclass
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

    def forget_neighbours(self) -> None:
        """Frees their memory."""
        self.neighbours = no_neighbours(0, self.neighbours.shape[1])


@dataclass(frozen=True)
class Wanted:
    """How many neighbours are sought, and whether they are kept in work_neighbours."""

    neighbours: int
    keep: bool = False


@contextmanager
def exact_graph(task: Task[Any], wanted: Wanted, tuning: Tuning) -> Iterator[Graph]:
    """The exact graph of all scopes of the task; its photos are in work_drawn meanwhile."""
    with _drawn(task) as (_, extents):
        task.log.phase("neighbours")
        finder = _Finder(task, wanted, extents[-1][1] if extents else 0)
        finder.find_among_all(
            (
                (piece, extent)
                for extent in extents
                for piece in _pieces(np.arange(*extent, dtype=np.int32), tuning.rows_at_once)
            ),
            tuning,
        )
        yield finder.graph(extents)


@contextmanager
def graph_by_sketches(task: Task[Any], wanted: Wanted, tuning: Tuning) -> Iterator[Graph]:
    """The graph of the one scope of a task; its photos are in work_drawn meanwhile."""
    # Connections keep all cores busy, so threads that share a small product wait for each other.
    with threadpool_limits(1, "blas"), _drawn(task) as (sample, extents):
        finder, recall = _Finder(task, wanted, extents[-1][1] if extents else 0), 1.0
        if sample.size:
            task.log.phase("sketches")
            sketches = Sketches(fetch_sketches(task.session, sample, tuning), tuning)
            task.log.phase("neighbours")
            enough = _enough(task, finder, sketches, tuning)
            finder.find_among(_proposals(sketches, enough, tuning), sketches)
            recall = enough.recall
            del sketches
        yield finder.graph(extents, recall)


@contextmanager
def _drawn(task: Task[Any]) -> Iterator[tuple[Sample, list[tuple[int, int]]]]:
    """All photos of the scopes of the task as a sample, and the extent of each scope."""
    task.log.phase("sample")
    note_photos(task)
    with Sample.of_whole_scopes(as_kmeans(task)) as (sample, found):
        yield sample, [(row["after_row"], row["last_row"]) for row in found]


def no_neighbours(photos: int, neighbours: int) -> Neighbours:
    """Room for the neighbours of photos."""
    return np.full((photos, neighbours), _NONE, dtype=np.int32)


def read_neighbours(rows: Iterable[dict[str, Any]], into: Neighbours) -> None:
    """Reads what the database says: positions of photos from 1, and of their neighbours."""
    for row in rows:
        found = np.frombuffer(row["neighbours"] or b"", dtype=">i4")
        into[row["position"] - 1, : len(found)] = found - 1


class _Finder:
    """Finds neighbours of rows, with all connections of a task."""

    def __init__(self, task: Task[Any], wanted: Wanted, rows: int) -> None:
        self.neighbours = wanted.neighbours
        self._task = task
        self._wanted = wanted
        self._neighbours = no_neighbours(rows, wanted.neighbours)
        self._compared = np.zeros(rows, dtype=np.bool_)
        self._farthest: dict[int, float] = {}

    def graph(self, extents: list[tuple[int, int]], recall: float = 1.0) -> Graph:
        """What was found; nothing more is to be found then."""
        found, self._neighbours = self._neighbours, no_neighbours(0, self._wanted.neighbours)
        return Graph(found, self._compared, extents, recall)

    def take(self, rows: Places) -> Neighbours:
        """What was found of some rows, which is forgotten."""
        found = self._neighbours[rows]
        self._neighbours[rows] = _NONE
        return found

    def farthest(self, rows: Places) -> NDArray[np.float64]:
        """How far the last neighbour of rows is that were checked; infinity: there are fewer."""
        return np.array([self._farthest.get(row, np.inf) for row in rows.tolist()])

    def find_among_all(
        self, jobs: Iterable[tuple[Places, tuple[int, int]]], tuning: Tuning, *, check: bool = False
    ) -> None:
        """Finds the neighbours of each job's rows among all rows (after, last]."""

        def find(session: Session, job: tuple[Places, tuple[int, int]]) -> list[dict[str, Any]]:
            rows, (after_row, last_row) = job
            blocks = row_ranges(last_row - after_row, last_row, tuning.rows_of_block)
            return session.fetch_all(
                "graph/find_neighbours",
                positions=IntegerArray.of(rows + 1),
                neighbours=self._wanted.neighbours,
                afters=[after_row + after for after, _ in blocks],
                lasts=[after_row + last for _, last in blocks],
                keep=self._wanted.keep and not check,
            )

        for found in self._task.workers.map(find, jobs):
            self._read(found)

    def find_among(
        self, jobs: Iterable[tuple[Places, Places]], sketches: Sketches, *, check: bool = False
    ) -> None:
        """Finds the neighbours of each job's rows among candidates of each, shape (rows, n)."""

        def find(session: Session, job: tuple[Places, Places]) -> list[dict[str, Any]]:
            rows, candidates = job
            return session.fetch_all(
                "graph/rank_candidates",
                rows=sketches.on_disk(rows),
                candidates=sketches.on_disk(candidates.ravel()),
                width=candidates.shape[1],
                neighbours=self._wanted.neighbours,
                keep=self._wanted.keep and not check,
            )

        for found in self._task.workers.map(find, jobs):
            self._read(found)
            if check:
                full = 4 * self._wanted.neighbours
                self._farthest |= {
                    row["position"] - 1: row["farthest"]
                    for row in found
                    if len(row["neighbours"] or b"") == full
                }

    def _read(self, rows: list[dict[str, Any]]) -> None:
        self._compared[[row["position"] - 1 for row in rows]] = True
        read_neighbours(rows, self._neighbours)
        self._task.log.photos(len(rows))


def _pieces(rows: Places, at_once: int) -> Iterator[Places]:
    """Rows, cut for connections to share."""
    for first in range(0, len(rows), at_once):
        yield rows[first : first + at_once]


@dataclass(frozen=True)
class _Enough:
    """How many candidates a row is compared with, of how many around it, and the recall."""

    candidates: int
    around: int
    recall: float


def _proposals(
    sketches: Sketches, asked: _Enough, tuning: Tuning, among: NDArray[np.bool_] | None = None
) -> Iterator[tuple[Places, Places]]:
    """Rows, those of several cells together, and candidates of each; -1: no more.

    Only those that are `among` the rows that are asked for, if there are such.
    """
    rows: list[Places] = []
    proposed: list[Places] = []
    for cell in range(len(sketches)):
        # One more, since a row is a candidate of its own.
        for own, near in sketches.candidates(cell, asked.candidates + 1, asked.around, among):
            rows.append(own)
            proposed.append(near)
            if sum(map(len, rows)) >= tuning.rows_at_once:
                yield np.concatenate(rows), _side_by_side(proposed)
                rows, proposed = [], []
    if rows:
        yield np.concatenate(rows), _side_by_side(proposed)


def _side_by_side(parts: list[Places]) -> Places:
    """Arrays of shape (rows, n) as one, the short ones filled up with -1."""
    filled = np.full((sum(map(len, parts)), max(part.shape[1] for part in parts)), _NONE, np.int32)
    first = 0
    for part in parts:
        filled[first : first + len(part), : part.shape[1]] = part
        first += len(part)
    return filled


def _enough(task: Task[Any], finder: _Finder, sketches: Sketches, tuning: Tuning) -> _Enough:
    """The fewest candidates by which some rows find what they find among all, up to a limit."""
    checked, exact = _checked(task, finder, sketches, tuning)
    there = exact != _NONE
    most = tuning.candidates_of_neighbour * exact.shape[1]
    while True:
        most = min(most, tuning.most_compared)
        around = int(most * tuning.rows_around)
        ranks = np.sort(sketches.ranks(checked, exact, around)[there])
        sought = int(np.ceil(tuning.sought_recall * len(ranks)))
        # A row comes before its neighbours itself.
        candidates = int(ranks[sought - 1]) if sought else 1
        if candidates <= most or most == tuning.most_compared:
            candidates = min(candidates, int(most))
            recall = np.count_nonzero(ranks <= candidates) / max(1, len(ranks))
            return _Enough(candidates, around, recall)
        most *= tuning.more_candidates


def _checked(
    task: Task[Any], finder: _Finder, sketches: Sketches, tuning: Tuning
) -> tuple[Places, Neighbours]:
    """Some rows, drawn from the seed, and their neighbours among all rows.

    Those that are found among a few candidates say how near others must be, and by their sketches
    most are not: so a row is compared with a small share of all, or with all if that is not small.
    """
    generator = np.random.default_rng([task.seed, _CHECKED])
    drawn = generator.permutation(sketches.rows)[: tuning.most_checked]
    width = tuning.candidates_of_neighbour * finder.neighbours
    few = _Enough(int(width), int(width * tuning.rows_around), 0.0)
    exact: list[Neighbours] = []
    pairs = 0
    for rows in _pieces(drawn, tuning.checked_photos):
        among = np.zeros(sketches.places, dtype=np.bool_)
        among[rows] = True
        at_once = replace(tuning, rows_at_once=-(-len(rows) // tuning.checks))
        finder.find_among(_proposals(sketches, few, at_once, among), sketches, check=True)
        marks, counts = sketches.within(rows, finder.farthest(rows))
        pairs += int(counts.sum())
        all_compared = counts.mean() > tuning.share_of_all * len(sketches.rows)
        if all_compared:
            everything = (0, sketches.places)
            pieces = _pieces(rows, at_once.rows_at_once)
            finder.find_among_all(((piece, everything) for piece in pieces), tuning, check=True)
        else:
            unequal = _unequal(rows, marks, counts, sketches, tuning)
            finder.find_among(unequal, sketches, check=True)
        exact.append(finder.take(rows))
        if all_compared or pairs >= tuning.checked_pairs:
            break
    checked = drawn[: sum(map(len, exact))]
    return checked, np.concatenate(exact)


def _unequal(
    rows: Places,
    marks: NDArray[np.uint8],
    counts: NDArray[np.intp],
    sketches: Sketches,
    tuning: Tuning,
) -> Iterator[tuple[Places, Places]]:
    """Rows, those with about as many candidates together, and the candidates that are marked."""
    order = np.argsort(-counts, kind="stable")
    while len(order):
        some = order[: max(1, tuning.pairs_at_once // max(1, counts[order[0]]))]
        yield rows[some], _side_by_side([sketches.marked(marks[place])[None] for place in some])
        order = order[len(some) :]
