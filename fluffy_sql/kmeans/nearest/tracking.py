"""Approximate assignment: a row of the sample is compared with the centroids around its last one.

Few rows change their centroid in a step, and then to one close by. In the sample of 100,000 photos
at k=1,000, three steps after seeding, the 9 centroids nearest to where a row's was hold its new one
in 997 of 1,000 cases. A row that is compared with 16 takes 5 us, with all of 200 20 us, with all of
1,000 88 us.

As in Elkan's and Hamerly's k-means (2003, 2010) the previous step saves comparisons: there by
bounds, which in many dimensions hold for few rows, here by neighbourhood. So some rows in a
thousand get a centroid that is not quite the nearest, and look again around that one; how many
photos have the nearest in the end is measured in the final pass.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.kmeans.nearest.cells import Cells, candidates_about, cells_of, nearest
from fluffy_sql.kmeans.sample import Sample
from fluffy_sql.kmeans.settings import KMeansTask
from fluffy_sql.postgres.centroids import Matrix, candidate_params
from fluffy_sql.postgres.ranges import row_ranges
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import IntegerArray

Labels = NDArray[np.int32]

# How many centroids a row is compared with around its last one; `Tuning` says what share of rows
# must find theirs.
_CANDIDATES = (64,)
# The same in the final pass: at k=400 it takes 64.
_CANDIDATES_OF_PHOTO = (32, 64)
# RNG stream of the cells; streams 0 and up are the restarts.
_CELLS = 1_000_001
# Of each piece the mean of each centroid is sent: so a piece has this many rows for each, and all
# means of a statement together have about this many bytes.
_ROWS_PER_CENTROID = 32
_BYTES_OF_MEANS = 2**23
_PIECE = itemgetter("piece")


@dataclass(frozen=True)
class CandidateLists:
    """The candidates among many centroids that photos are compared with.

    Attributes:
        labels: shape (rows,), for each position of the sample a centroid that is near.
        around: shape (k, width), the centroids around each: candidates of the sample's photos.
        cells: candidates of all others; None: the sample is the library, there are no others.
    """

    labels: Labels
    around: NDArray[np.int32]
    cells: Cells | None


@dataclass(frozen=True)
class StatementPair:
    """Of a statement that compares rows with all centroids, and with the candidates of a cell.

    Attributes:
        in_all_dimensions: whether it sends means in all dimensions, and not of rows of the sample.
    """

    exhaustive: str
    by_cell: str
    in_all_dimensions: bool = False


@dataclass(frozen=True)
class _Share:
    """A range of rows for one connection, and how they are looked up."""

    statement: str
    parameters: dict[str, Any]
    after_row: int
    last_row: int


class AssignmentTracker:
    """Runs statements over the sample in which each row has its nearest centroid.

    Attributes:
        labels: shape (rows of the last step,), the centroid of each, by position.
    """

    def __init__(self, task: KMeansTask, sample: Sample) -> None:
        self._task = task
        self._sample = sample
        self.labels: Labels = np.empty(0, dtype=np.int32)
        self._before: Matrix | None = None

    def look(
        self, names: StatementPair, centroids: Matrix, rows: int, **parameters: object
    ) -> Iterator[list[dict[str, Any]]]:
        """Runs a statement over pieces of the first rows; parts come in the order of the pieces.

        Where pieces begin does not depend on how many connections share them.

        Args:
            names: the statement, in its two forms.
            centroids: shape (k, width of the sample).
            rows: the last position to look at.
            parameters: what else the statement needs.
        """

        def run(session: Session, share: _Share) -> list[dict[str, Any]]:
            return session.fetch_all(
                share.statement,
                **share.parameters,
                **parameters,
                after_row=share.after_row,
                last_row=share.last_row,
            )

        shares = self._shares(names, centroids, rows)
        labels = np.zeros(rows, dtype=np.int32)
        for share, found in zip(shares, self._task.workers.map(run, shares), strict=True):
            _note(found, labels[share.after_row : share.last_row])
            found.sort(key=_PIECE)
            for _, part in groupby(found, _PIECE):
                yield list(part)
        if self._follows(centroids):
            self._before, self.labels = centroids, labels

    def _follows(self, centroids: Matrix) -> bool:
        """Whether there are enough centroids; not on Citus: shards would have to send labels."""
        enough = len(centroids) >= self._task.tuning.least_centroids
        return enough and not self._task.session.distributed

    def shortcuts(self, centroids: Matrix) -> CandidateLists | None:
        """The candidates that photos are compared with; None: all centroids.

        Args:
            centroids: shape (k, dimensions): those of the last step, in all dimensions.
        """
        if self._before is None:
            return None
        _, photos, _ = self._some
        labels = nearest(photos, centroids)
        least_recall = self._task.tuning.least_recall_of_photos
        around = self._around(
            centroids, centroids, labels, widths=_CANDIDATES_OF_PHOTO, least_recall=least_recall
        )
        if around is None:
            return None
        if self._sample.whole:
            return CandidateLists(self.labels, around, None)
        cells = cells_of(centroids, photos, self._generator(), least_recall)
        return CandidateLists(self.labels, around, cells) if cells else None

    @cached_property
    def _some(self) -> tuple[NDArray[np.int64], Matrix, Matrix]:
        """Positions of some of the sample, their photos, and their rows: they show what works."""
        positions, photos = self._sample.fetch_some()
        return positions, photos, self._sample.directions.project(photos)

    def _generator(self) -> np.random.Generator:
        """The random generator of cells, the same each time they are found."""
        return np.random.default_rng([self._task.seed, _CELLS])

    def _shares(self, names: StatementPair, centroids: Matrix, rows: int) -> list[_Share]:
        near = self._near(centroids)
        known = min(rows, len(self.labels)) if near else 0
        shares = []
        if near:
            shares = _by_cell(names, near, self.labels, self._shared(names, centroids, 0, known))
        if known == rows:
            return shares
        shared = self._shared(names, centroids, known, rows)
        labels = self._find_labels(centroids, known, rows)
        if labels is not None:
            alone = _alone(self._task.session, centroids)
            return shares + _by_cell(names, alone, labels, shared)
        everything = {
            "centroids": self._task.session.vector_array(centroids),
            "followed": self._follows(centroids),
        }
        return shares + [
            _Share(
                names.exhaustive,
                everything | {"starts": [after_row + 1 for after_row, _ in pieces]},
                pieces[0][0],
                pieces[-1][1],
            )
            for pieces in shared
        ]

    def _shared(
        self, names: StatementPair, centroids: Matrix, after_row: int, last_row: int
    ) -> list[list[tuple[int, int]]]:
        """The pieces of positions (after, last], those of each connection side by side."""
        k, width = centroids.shape
        if names.in_all_dimensions:
            width = self._task.survey.dimensions
        about = rows_of_piece(last_row - after_row, k, width)
        pieces = self._sample.ranges(after_row, last_row, about)
        shares = row_ranges(len(pieces), self._task.workers.connections, 1)
        return [pieces[first:last] for first, last in shares]

    def _near(self, centroids: Matrix) -> dict[str, Any] | None:
        """Parameters for rows assigned in the last step; None if a full search is cheaper."""
        if self._before is None or not self._follows(centroids):
            return None
        _, _, rows = self._some
        labels = nearest(rows, centroids)
        around = self._around(
            self._before,
            centroids,
            labels,
            widths=_CANDIDATES,
            least_recall=self._task.tuning.least_recall_of_rows,
        )
        if around is None:
            return None
        return candidate_params(self._task.session, centroids, around)

    def _around(
        self,
        before: Matrix,
        centroids: Matrix,
        labels: NDArray[np.intp],
        *,
        widths: Sequence[int],
        least_recall: float,
    ) -> NDArray[np.int32] | None:
        """The centroids around each of the last step; None if rows would not find theirs.

        Args:
            before: shape (k, dimensions), those of the last step.
            centroids: shape (k, dimensions).
            labels: the centroids of some of the sample now.
            widths: how many around each, as in `candidates_about`.
            least_recall: share of these rows that must find theirs.
        """
        positions, _, _ = self._some
        seen = np.flatnonzero(positions <= len(self.labels))
        if not len(seen):
            return None
        were = self.labels[positions[seen] - 1, None].astype(np.intp)
        return candidates_about(
            before, centroids, were, labels[seen], widths=widths, least_recall=least_recall
        )

    def _find_labels(self, centroids: Matrix, after_row: int, last_row: int) -> Labels | None:
        """Labels by position, of the rows after the first ones.

        None if there are too few centroids for it, or rows are not tracked.
        """
        if not self._follows(centroids):
            return None
        _, _, rows = self._some
        least_recall = self._task.tuning.least_recall_at_first
        cells = cells_of(centroids, rows, self._generator(), least_recall)
        if cells is None:
            return None
        labels = np.zeros(last_row, dtype=np.int32)
        ranges = self._sample.shares(after_row, last_row)
        parts = self._sample.over_ranges(
            "kmeans/find_labels",
            ranges,
            **candidate_params(self._task.session, centroids, cells.candidates),
            centers=self._task.session.vector_array(cells.centers),
        )
        for (after, last), part in zip(ranges, parts, strict=True):
            _note(part, labels[after:last])
        return labels


def rows_of_piece(rows: int, k: int, width: int) -> int:
    """About how many of these rows are averaged together, as k means of this many numbers."""
    most_pieces = max(2, _BYTES_OF_MEANS // (4 * k * width))
    return max(_ROWS_PER_CENTROID * k, -(-rows // most_pieces))


def _alone(session: Session, centroids: Matrix) -> dict[str, Any]:
    """Parameters for rows whose centroid is known: each is its own only candidate."""
    only = np.arange(len(centroids), dtype=np.int32)[:, None]
    return candidate_params(session, centroids, only)


def _by_cell(
    names: StatementPair,
    near: dict[str, Any],
    cells: Labels,
    shared: list[list[tuple[int, int]]],
) -> list[_Share]:
    shares = []
    for pieces in shared:
        first, last = pieces[0][0], pieces[-1][1]
        own = {
            "cells": IntegerArray.of(cells[first:last]),
            "starts": [piece[0] - first + 1 for piece in pieces],
        }
        shares.append(_Share(names.by_cell, near | own, first, last))
    return shares


def _note(part: list[dict[str, Any]], labels: Labels) -> None:
    """Writes the labels of a range, by the places of their rows in it."""
    for row in part:
        if row["places"] is not None:
            labels[row["places"] - 1] = row["label"]
