"""The search for a start: restarts and refinement, over rows that are held in memory.

It takes many steps over few rows. A pair of row and centroid costs some 3 ns here and 70 in SQL, so
a search takes milliseconds, and what it finds need only be trained in SQL for a few steps.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.kmeans.minibatch import has_converged
from fluffy_sql.kmeans.projection import Projection
from fluffy_sql.kmeans.refine import centroids_to_remove
from fluffy_sql.kmeans.seeding import draw_centroids, enough_rows, seed_centroids
from fluffy_sql.kmeans.settings import KMeansSettings
from fluffy_sql.postgres.centroids import Matrix, centroids_of
from fluffy_sql.postgres.ranges import row_ranges

# Restarts are only ranked, and refined centroids descend again in training, so neither runs to
# the last digit.
_COARSE_TOLERANCE = 1e-2
_FINE_TOLERANCE = 1e-3
# Breathing adds and takes away this share of the centroids at first, and no fewer than Fritzke
# does. 10,000 photos at k=200 end 0.6 % lower with 20 than with 5, 4,114 at k=100 0.3 % with 10.
_BREATH_SHARE = 10
_LEAST_BREATH = 5
# Each of these threads takes its share of the rows: the server, which needs the cores else, waits
# for the search. As many on each machine, since sums depend on it.
_THREADS = 2
# Rows at a time, and fewer if they are compared with so many centroids that it is more pairs.
_BLOCK = 1_024
_BLOCK_PAIRS = 2**19
# Below this share of the mean squared norm, an error is float4 rounding: nothing to split.
_ROUNDING = 1e-12

Result = TypeVar("Result")


@dataclass(frozen=True)
class Found:
    """Where a descent ended.

    Attributes:
        centroids: shape (k, width), on the span of the sample.
        inertia: of the rows, to the centroids that the last step began with.
        movement: how far the centroids moved in it, root mean square.
    """

    centroids: Matrix
    inertia: float
    movement: float = 0.0


@dataclass(frozen=True)
class _Assigned:
    """The nearest centroid of each row.

    Attributes:
        labels: shape (rows,).
        squares: shape (rows,), squared distances to these.
        errors: shape (k,), the same summed by centroid.
        counts: shape (k,), the rows of each centroid.
    """

    labels: NDArray[np.intp]
    squares: Matrix
    errors: NDArray[np.float64]
    counts: NDArray[np.intp]


class Search:
    """k-means over a few rows, as k-means of the sample does it.

    Args:
        rows: shape (n, width), rows of the sample; they are the search's from now on.
        directions: what they are along.
        settings: its tolerance and its limit on the steps of a descent count.
        normalize: whether centroids are made unit vectors.
        generator: draws the rows that become centroids.

    Attributes:
        pairs: of row and centroid that were compared so far.
    """

    def __init__(
        self,
        rows: Matrix,
        directions: Projection,
        settings: KMeansSettings,
        *,
        normalize: bool,
        generator: np.random.Generator,
    ) -> None:
        # About their middle, since the squares of far-off numbers would swallow their differences.
        # Projected rows are about it already, and unit vectors are near to zero.
        self._middle = np.zeros(rows.shape[1], dtype=np.float32)
        if not normalize and not directions.reduced and len(rows):
            self._middle = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
            rows -= self._middle
        self._rows = rows
        self._norms = np.einsum("ij,ij->i", self._rows, self._rows)
        self._directions = directions
        self._settings = settings
        self._normalize = normalize
        self._generator = generator
        self._threads = ThreadPoolExecutor(_THREADS)
        self.pairs = 0

    def __len__(self) -> int:
        """How many rows it has."""
        return len(self._rows)

    def seed(self, k: int, *generators: np.random.Generator, apart: bool = True) -> Matrix:
        """Up to k rows as first centroids: far `apart` from each other, or any."""
        rows = self._directions.onto_span(self._rows[: enough_rows(k)])
        if apart:
            return seed_centroids(rows, k, *generators) + self._middle
        return draw_centroids(rows, k, generators[0]) + self._middle

    def rank(self, seeds: Matrix) -> Found:
        """How good these seeds are: where a short descent from them ends."""
        return self._descend(seeds, _COARSE_TOLERANCE)

    def resize(self, centroids: Matrix, k: int) -> Found:
        """As many as wanted: the least useful of too many go, too few are split."""
        while len(centroids) > k:
            most = min(len(centroids) - k, len(centroids) // 2)
            centroids = self._without_least_useful(centroids, most)
        while len(centroids) < k:
            wider = self._with_splits(centroids, min(k - len(centroids), len(centroids)))
            if len(wider) == len(centroids):
                break
            centroids = wider
        return self._descend(centroids, _FINE_TOLERANCE)

    def refine(self, start: Found, most_pairs: int) -> Found:
        """Moves centroids from where they are least useful to where they are most useful.

        Breathing k-means (Fritzke 2020, arXiv 2006.15666): add m centroids where the error is
        largest, descend, take away the m of least utility, descend; keep the result if it is
        better, else try with a smaller m.

        Args:
            start: where to begin.
            most_pairs: to compare at most, those of before included.
        """
        k = len(start.centroids)
        best, breath = start, min(max(_LEAST_BREATH, k // _BREATH_SHARE), k - 1)
        while breath > 0 and self.pairs < most_pairs:
            wider = self._with_splits(best.centroids, breath)
            added = len(wider) - k
            if not added:
                break
            wider = self._descend(wider, _FINE_TOLERANCE).centroids
            kept = self._without_least_useful(wider, added)
            tried = self._descend(kept, _FINE_TOLERANCE)
            if tried.inertia < best.inertia * (1 - self._settings.tolerance):
                best = tried
            else:
                breath //= 2
        return best

    def draw_splits(
        self,
        centroids: Matrix,
        errors: NDArray[np.float64],
        counts: NDArray[np.int64],
        most: int,
        generator: np.random.Generator,
    ) -> Matrix:
        """A row of each of the `most` clusters with the largest errors; shape (m, width).

        With a chance that grows with its squared distance to the centroid, as k-means++ does
        (Arthur and Vassilvitskii 2007).
        """
        worst = self._worst(errors, counts, most)
        return self._draw(self._assign(centroids), worst, generator)

    def _descend(self, centroids: Matrix, tolerance: float) -> Found:
        """Lloyd steps until they gain too little."""
        tolerance = max(tolerance, self._settings.tolerance)
        before = np.inf
        for _ in range(self._settings.iterations):
            assigned = self._assign(centroids)
            moved = self._refill(self._means(assigned, centroids), assigned)
            movement = np.linalg.norm(moved - centroids, axis=1)
            inertia = float(assigned.errors.sum())
            centroids = moved
            if has_converged(before, inertia, tolerance):
                break
            before = inertia
        return Found(centroids, inertia, float(np.sqrt(np.mean(movement**2))))

    def _assign(self, centroids: Matrix) -> _Assigned:
        labels = np.empty(len(self._rows), dtype=np.intp)
        squares = np.empty(len(self._rows), dtype=np.float32)
        centered = centroids - self._middle

        def assign(block: slice, ranked: Matrix) -> None:
            labels[block] = ranked.argmin(axis=1)
            # Not from their products: these round, and a copy of a centroid has no error.
            off = self._rows[block] - centered[labels[block]]
            squares[block] = np.einsum("ij,ij->i", off, off)

        self._rank_blocks(centroids, assign)
        errors = np.bincount(labels, squares, len(centroids)).astype(np.float64)
        return _Assigned(labels, squares, errors, np.bincount(labels, minlength=len(centroids)))

    def _rank_blocks(self, centroids: Matrix, use: Callable[[slice, Matrix], None]) -> None:
        """Calls `use(block, ranked)` for each block of rows.

        `ranked`, of shape (rows of the block, k), has squared distances but for the norm of each
        row.
        """
        centered = centroids - self._middle
        norms = np.einsum("ij,ij->i", centered, centered)
        doubled = -2 * centered.T
        self.pairs += len(self._rows) * len(centroids)

        def rank(blocks: Iterable[slice]) -> None:
            for block in blocks:
                ranked = self._rows[block] @ doubled
                ranked += norms
                use(block, ranked)

        self._share_out(rank, min(_BLOCK, -(-_BLOCK_PAIRS // len(centroids))))

    def _share_out(
        self, work: Callable[[Iterable[slice]], Result], rows: int = _BLOCK
    ) -> list[Result]:
        """What each thread makes of its share: blocks of up to this many rows, one by one."""
        shares = row_ranges(len(self._rows), _THREADS, 1)
        return list(
            self._threads.map(
                lambda share: work(
                    slice(start, min(start + rows, share[1]))
                    for start in range(share[0], share[1], rows)
                ),
                shares,
            )
        )

    def _means(self, assigned: _Assigned, centroids: Matrix) -> Matrix:
        """The mean of each centroid's rows; one without rows stays."""

        def add_up(blocks: Iterable[slice]) -> NDArray[np.float64]:
            sums = np.zeros(centroids.shape, dtype=np.float64)
            for block in blocks:
                labels = assigned.labels[block]
                order = np.argsort(labels, kind="stable")
                found, firsts = np.unique(labels[order], return_index=True)
                rows = self._rows[block][order]
                sums[found] += np.add.reduceat(rows, firsts, axis=0, dtype=np.float64)
            return sums

        sums = sum(self._share_out(add_up), np.zeros(centroids.shape))
        filled = np.flatnonzero(assigned.counts)
        means = sums[filled] / assigned.counts[filled, None] + self._middle
        means = self._directions.onto_span(means)
        moved = centroids.copy()
        moved[filled] = centroids_of(means, centroids[filled], normalize=self._normalize)
        return moved

    def _refill(self, means: Matrix, assigned: _Assigned) -> Matrix:
        """Gives each centroid without rows a row of one of the clusters with the largest errors."""
        empty = np.flatnonzero(assigned.counts == 0)
        if len(empty):
            splits = self._splits(assigned, len(empty))
            means[empty[: len(splits)]] = splits
        return means

    def _with_splits(self, centroids: Matrix, most: int) -> Matrix:
        """The centroids, and up to as many rows of those with the largest errors."""
        return np.concatenate([centroids, self._splits(self._assign(centroids), most)])

    def _splits(self, assigned: _Assigned, most: int) -> Matrix:
        worst = self._worst(assigned.errors, assigned.counts, most)
        return self._draw(assigned, worst, self._generator)

    def _worst(
        self, errors: NDArray[np.float64], counts: NDArray[np.int64], most: int
    ) -> NDArray[np.intp]:
        """The clusters with the largest errors, if these are more than rounding."""
        worst = np.argsort(-errors, kind="stable")[:most]
        least = _ROUNDING * np.mean(self._norms, dtype=np.float64) * counts
        return worst[(errors > least)[worst]]

    def _draw(
        self, assigned: _Assigned, worst: NDArray[np.intp], generator: np.random.Generator
    ) -> Matrix:
        # The smallest of draws over weights is a weighted draw (Efraimidis and Spirakis 2006).
        draws = generator.standard_exponential(len(self._rows))
        off = assigned.squares > 0
        draws[off] /= assigned.squares[off]
        draws[~off] = np.inf
        drawn: list[np.intp] = []
        for label in worst:
            rows = np.flatnonzero((assigned.labels == label) & off)
            if len(rows):
                drawn.append(rows[draws[rows].argmin()])
        return self._directions.onto_span(self._rows[drawn] + self._middle)

    def _without_least_useful(self, centroids: Matrix, most: int) -> Matrix:
        """Takes away those without which the rows' error would rise the least."""
        assigned = self._assign(centroids)
        second = np.empty(len(self._rows), dtype=np.float32)

        def find_second(block: slice, ranked: Matrix) -> None:
            np.put_along_axis(ranked, assigned.labels[block, None], np.inf, axis=1)
            second[block] = ranked.min(axis=1) + self._norms[block]

        self._rank_blocks(centroids, find_second)
        risen = np.maximum(second - assigned.squares, 0)
        utilities = np.bincount(assigned.labels, risen, len(centroids)).astype(np.float64)
        return np.delete(centroids, centroids_to_remove(centroids, utilities, most), axis=0)
