"""Sketches of photos: a few bytes each, by which the client proposes what SQL is to compare.

A sketch holds coordinates along the main directions of the library, as whole numbers of a byte. So
float4 adds products of them without rounding, and proposals are the same in any order of adding.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.graph.tuning import Tuning
from fluffy_sql.kmeans.projection import fit_projection
from fluffy_sql.kmeans.sample import Sample
from fluffy_sql.postgres.centroids import Matrix
from fluffy_sql.postgres.ranges import row_ranges
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import TidArray

Places = NDArray[np.int32]
Codes = NDArray[np.int8]

_MOST_RANGES = 1_024
_RANGE_ROWS = 4_096
# The largest number in a sketch, and the share of photos that have no larger one.
_LARGEST = 127
_WITHIN = 0.99
# The least number in half a byte, what it stands for in standard deviations, and the widest step.
_LEAST_HALF = -8
_SPREADS_OF_HALF = 3
_WIDEST_STEP = 15
# Rows that are compared at once with all centers, and with the rows around them.
_BLOCK = 256
_ROWS_AROUND = 64
_ROWS_WITHIN = 4_096
# Rows around a cell are cut off at this many times what is sought: of equal photos all are.
_MOST_AROUND = 4


@dataclass(frozen=True)
class Fetched:
    """Sketches of rows as they came.

    Attributes:
        codes: shape (rows, axes), coordinates in steps.
        distances: shape (rows,), from the origin, in steps.
        on_disk: shape (rows,), where each row is.
        compared: shape (rows,), whether a row has a sketch.
        step: how long a step is.
        rounded: how much farther apart than they are rounding brings two rows, in steps.
    """

    codes: Codes
    distances: NDArray[np.int16]
    on_disk: NDArray[np.void]
    compared: NDArray[np.bool_]
    step: float
    rounded: float


class Sketches:
    """Sketches of rows, and the cells that they lie in.

    Args:
        fetched: the sketches.
        tuning: how many cells.

    Attributes:
        rows: those that have a sketch, cell after cell.
        places: how many rows there are, with or without a sketch.
    """

    def __init__(self, fetched: Fetched, tuning: Tuning) -> None:
        self.places = len(fetched.codes)
        self._step, self._rounded = fetched.step, fetched.rounded
        there = np.flatnonzero(fetched.compared).astype(np.int32)
        cells = max(1, int(tuning.cells_of_sketches * len(there) ** 0.5))
        sample = fetched.codes[there[: tuning.sample_per_cell * cells]]
        self._centers = _trained(sample, cells, tuning)
        self._halves = np.einsum("ij,ij->i", self._centers, self._centers) / 2
        cell_of = _nearest(fetched.codes, there, self._centers)
        self.rows = there[np.argsort(cell_of, kind="stable")]
        self._ends = np.cumsum(np.bincount(cell_of, minlength=len(self._centers)))
        self._starts = np.concatenate([[0], self._ends[:-1]])
        self._on_disk = fetched.on_disk
        # Side by side, since rows of a cell are read again and again.
        self._codes = fetched.codes[self.rows]
        self._fixed = _fixed(fetched, self.rows)

    def __len__(self) -> int:
        """The number of cells."""
        return len(self._centers)

    def on_disk(self, rows: Places) -> TidArray:
        """Where rows are on disk; -1: nowhere."""
        ctids = self._on_disk[rows]
        ctids[rows < 0] = b""
        return TidArray.of(ctids)

    def candidates(
        self, cell: int, count: int, around: int, among: NDArray[np.bool_] | None = None
    ) -> Iterator[tuple[Places, Places]]:
        """The rows of a cell, some at a time, and those whose sketches are nearest, in no order.

        Of equally near ones the lowest. A row is a candidate of its own.

        Args:
            cell: the cell.
            count: how many are sought; there are fewer if there are not as many.
            around: among how many rows at least, those of the nearest cells.
            among: which of all rows are asked for; None: all.

        Yields:
            Rows, and candidates of each, shape (rows, up to count).
        """
        for rows, others, apart in self._compared_around(cell, around, among):
            fewer = min(count, len(others))
            yield rows, others[np.argpartition(apart, fewer - 1, axis=1)[:, :fewer]]

    def ranks(self, asked: Places, neighbours: Places, around: int) -> NDArray[np.intp]:
        """How many candidates of some rows come before each of their neighbours; shape of these.

        Args:
            asked: the rows.
            neighbours: of each; -1: no more.
            around: as in `candidates`; a neighbour that is none of those comes after all.
        """
        found = np.full(neighbours.shape, self.places)
        number = self._numbers(asked)
        for cell in range(len(self)):
            for rows, others, apart in self._compared_around(cell, around, number >= 0):
                for row, own in zip(number[rows], apart, strict=True):
                    which, column = np.nonzero(neighbours[row][:, None] == others)
                    found[row, which] = np.searchsorted(np.sort(own), own[column])
        return found

    def within(
        self, asked: Places, distances: NDArray[np.floating]
    ) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
        """For each of some rows all that may be as near as a distance: no other one is.

        Cutting off and projecting bring rows no farther apart, and rounding not by more than is
        allowed for.

        Returns:
            What `marked` reads, of shape (asked, n), and how many there are for each.
        """
        number = self._numbers(asked)[self.rows]
        own = np.empty((len(asked), self._codes.shape[1]), dtype=np.float32)
        own[number[number >= 0]] = self._codes[number >= 0]
        lengths = np.einsum("ij,ij->i", own, own)
        # Whole numbers below 2^24, which are exact.
        limits = np.ceil((distances / self._step + self._rounded) ** 2).astype(np.float32)
        marks, counts = [], np.zeros(len(asked), dtype=np.intp)
        for first in range(0, len(self.rows), _ROWS_WITHIN):
            codes = self._codes[first : first + _ROWS_WITHIN].astype(np.float32)
            squares = np.einsum("ij,ij->i", codes, codes) - 2 * (own @ codes.T)
            near = squares + lengths[:, None] <= limits[:, None]
            marks.append(np.packbits(near, axis=1))
            counts += np.count_nonzero(near, axis=1)
        return np.concatenate(marks, axis=1), counts

    def marked(self, marks: NDArray[np.uint8]) -> Places:
        """The rows that one row of marks stands for."""
        return self.rows[np.flatnonzero(np.unpackbits(marks, count=len(self.rows)))]

    def _numbers(self, asked: Places) -> Places:
        """Of all rows the place among those that are asked for, or -1."""
        numbers = np.full(self.places, -1, dtype=np.int32)
        numbers[asked] = np.arange(len(asked), dtype=np.int32)
        return numbers

    def _compared_around(
        self, cell: int, around: int, among: NDArray[np.bool_] | None
    ) -> Iterator[tuple[Places, Places, NDArray[np.float64]]]:
        """Rows of a cell, some at a time, those around it, and how far apart sketches are."""
        own = np.arange(self._starts[cell], self._ends[cell])
        if among is not None:
            own = own[among[self.rows[own]]]
        if not len(own):
            return
        near = self._around(cell, around)
        most = _MOST_AROUND * around

        def of_near(values: NDArray[Any]) -> NDArray[Any]:
            parts = [values[self._starts[other] : self._ends[other]] for other in near]
            return np.concatenate(parts)[:most]

        others, codes, fixed = of_near(self.rows), of_near(self._codes), of_near(self._fixed)
        codes = codes.astype(np.float32).T
        for first in range(0, len(own), _ROWS_AROUND):
            some = own[first : first + _ROWS_AROUND]
            yield self.rows[some], others, fixed - self._codes[some].astype(np.float32) @ codes

    def _around(self, cell: int, least: int) -> NDArray[np.intp]:
        """The cells around one, itself first, until they have as many rows."""
        apart = self._halves - self._centers @ self._centers[cell]
        apart[cell] = -np.inf
        order = np.argsort(apart, kind="stable")
        rows = np.cumsum((self._ends - self._starts)[order])
        return order[: int(np.searchsorted(rows, least)) + 1]


def _fixed(fetched: Fetched, rows: Places) -> NDArray[np.float64]:
    """Half of the square of the distance to each row, but for what is the same for all, or inner.

    What is left of a photo beyond the coordinates counts half, as if half of it were what both have
    left. The lowest row wins a tie, since four times as much is a whole number.
    """
    fixed = np.empty(len(rows))
    for first in range(0, len(rows), _BLOCK):
        some = rows[first : first + _BLOCK]
        codes, distances = fetched.codes[some].astype(float), fetched.distances[some]
        squares = np.einsum("ij,ij->i", codes, codes) + distances.astype(float) ** 2
        fixed[first : first + _BLOCK] = (squares + some / len(fetched.codes)) / 4
    return fixed


def fetch_sketches(session: Session, sample: Sample, tuning: Tuning) -> Fetched:
    """Sketches of the rows of a sample."""
    _, photos = sample.fetch_some()
    directions = fit_projection(
        photos,
        centered=True,
        generator=np.random.default_rng(0),
        most=min(tuning.sketch_axes, 2 * tuning.sketch_width - 1),
    )
    axes, origin = directions.axes, directions.origin
    if not directions.reduced:
        axes, origin = np.eye(photos.shape[1], dtype=np.float32), photos.mean(axis=0)
    coordinates = (photos - origin) @ axes.T
    step = float(np.quantile(np.abs(coordinates).max(axis=1, initial=0), _WITHIN)) / _LARGEST or 1.0
    # The axes that have a byte; of the others two share one, in wider steps.
    wide = min(len(axes), max(0, 2 * tuning.sketch_width - len(axes)))
    steps = np.ones(len(axes), dtype=np.int8)
    spread = coordinates[:, wide:].std(axis=0) / step
    steps[wide:] = np.clip(np.rint(spread * _SPREADS_OF_HALF / -_LEAST_HALF), 1, _WIDEST_STEP)
    scaled = axes / (step * steps[:, None])
    kind = sketch_kind((wide + len(axes)) // 2)
    fetched = Fetched(
        codes=np.zeros((sample.size, len(axes)), dtype=np.int8),
        distances=np.zeros(sample.size, dtype=np.int16),
        on_disk=np.zeros(sample.size, dtype="V6"),
        compared=np.zeros(sample.size, dtype=np.bool_),
        step=step,
        # Twice that, if it were against them along every axis; as chance has it, less than half.
        rounded=float(np.linalg.norm(steps.astype(float))) / 2,
    )
    parts = sample.over_ranges(
        "graph/sketch_rows",
        row_ranges(sample.size, _MOST_RANGES, _RANGE_ROWS),
        axes=session.vector_array(scaled[:wide]),
        upper=session.vector_array(scaled[wide::2]),
        lower=session.vector_array(scaled[wide + 1 :: 2]),
        origin=origin,
        step=step,
    )
    for [part] in parts:
        found = np.frombuffer(part["sketches"] or b"", kind)
        places = found["position"] - 1
        fetched.compared[places] = True
        fetched.on_disk[places] = found["ctid"]
        fetched.distances[places] = found["distance"]
        fetched.codes[places] = unpacked(found["codes"], wide) * steps
    return fetched


def sketch_kind(width: int) -> np.dtype[np.void]:
    """A sketch as it comes: position and place on disk, coordinates, distance from their origin."""
    return np.dtype(
        [("position", ">i4"), ("ctid", "V6"), ("codes", np.int8, (width,)), ("distance", ">i2")]
    )


def unpacked(codes: Codes, wide: int) -> Codes:
    """Coordinates of rows, the first of which have a byte and the others half of one."""
    halves = codes[:, wide:]
    pairs = np.stack([halves >> 4, (halves & 15) + np.int8(_LEAST_HALF)], axis=2)
    return np.concatenate([codes[:, :wide], pairs.reshape(len(codes), -1)], axis=1)


def _trained(codes: Codes, cells: int, tuning: Tuning) -> Matrix:
    """Centers of cells: k-means from the first rows, briefly."""
    rows = np.arange(len(codes), dtype=np.int32)
    centers = codes[:cells].astype(np.float32)
    for _ in range(tuning.cell_steps):
        cell_of = _nearest(codes, rows, centers)
        order = np.argsort(cell_of, kind="stable")
        filled, firsts, counts = np.unique(cell_of[order], return_index=True, return_counts=True)
        sums = np.add.reduceat(codes[order], firsts, axis=0, dtype=np.float32)
        centers[filled] = np.rint(sums / counts[:, None])
    return centers


def _nearest(codes: Codes, rows: Places, centers: Matrix) -> Places:
    """The nearest center of each of some rows, the first of equally near ones."""
    halves = np.einsum("ij,ij->i", centers, centers) / 2
    found = np.empty(len(rows), dtype=np.int32)
    for first in range(0, len(rows), _BLOCK):
        block = codes[rows[first : first + _BLOCK]].astype(np.float32)
        found[first : first + _BLOCK] = (halves - block @ centers.T).argmin(axis=1)
    return found
