"""Greedy k-means++ on a bounded sample, in memory: a few megabytes, whatever the library."""

import numpy as np
from numpy.typing import NDArray

# float4 products are exact to about 1e-7; what is nearer than this, as a share of the squared
# norms, counts as the same point, or rounding would make seeds of copies.
_SAME_POINT = 1e-6
# Seeding from more rows than this is hardly better, and takes longer than a step.
_ENOUGH_PER_CLUSTER = 8
_ENOUGH = 2_048


def enough_rows(k: int) -> int:
    """From how many rows to seed k centroids."""
    return max(_ENOUGH_PER_CLUSTER * k, _ENOUGH)


def seed_centroids(
    rows: NDArray[np.float32], k: int, *generators: np.random.Generator
) -> NDArray[np.float32]:
    """Picks rows as first centroids, each far from the ones before.

    k-means++ (Arthur and Vassilvitskii 2007) in its greedy form: of 2 + ln k rows drawn by their
    squared distance to the nearest pick so far, the one that lowers their sum the most.

    Args:
        rows: shape (n, dimensions), n at least 1.
        k: how many to pick.
        generators: of random numbers; of several seedings the one that rows are nearest to counts.

    Returns:
        Shape (m, dimensions), m the smaller of k and the number of distinct rows.
    """
    seedings = [_pick(rows, k, generator) for generator in generators]
    picks, _ = min(seedings, key=lambda seeding: seeding[1])
    return rows[picks]


def draw_centroids(
    rows: NDArray[np.float32], k: int, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Any k rows, or all if there are fewer."""
    return rows[np.sort(generator.permutation(len(rows))[:k])]


def _pick(
    rows: NDArray[np.float32], k: int, generator: np.random.Generator
) -> tuple[list[int], float]:
    """Which rows, and the sum of squared distances of all rows to the nearest of them."""
    # About their middle, since the squares of far-off numbers would swallow their differences.
    centered = rows - rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    norms = np.einsum("ij,ij->i", centered, centered)
    trials = 2 + int(np.log(k))
    picks = [int(generator.integers(len(rows)))]
    nearest = _squared_distances(centered, norms, picks)[0]
    while len(picks) < k:
        cumulated = np.cumsum(nearest, dtype=np.float64)
        if cumulated[-1] <= 0:
            break
        drawn = np.searchsorted(cumulated, generator.random(trials) * cumulated[-1], side="right")
        candidates = np.minimum(drawn, len(rows) - 1)
        lowered = np.minimum(nearest, _squared_distances(centered, norms, candidates))
        best = int(np.argmin(lowered.sum(axis=1, dtype=np.float64)))
        picks.append(int(candidates[best]))
        nearest = lowered[best]
    return picks, float(nearest.sum(dtype=np.float64))


def _squared_distances(
    rows: NDArray[np.float32],
    norms: NDArray[np.float32],
    picks: list[int] | NDArray[np.intp],
) -> NDArray[np.float32]:
    """Shape (len(picks), n); exactly 0 between copies."""
    sums = norms[picks, None] + norms
    squared = sums - 2 * (rows[picks] @ rows.T)
    squared[squared < _SAME_POINT * sums] = 0
    return squared
