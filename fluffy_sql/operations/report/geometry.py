"""Geometry of centroids: which are near each other, and in which directions they differ most."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_AXES = 2
# Axes that hold less than this share of the variance are rounding.
_LEAST_SHARE = 1e-9
# Distances are held for this many pairs at a time.
_PAIRS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Axes:
    """The directions in which centroids differ the most.

    Attributes:
        directions: shape (axes, dimensions), float32, orthonormal; at most two, none if all
            centroids are the same.
        origin: shape (axes,), the mean of the centroids on these axes.
        shares: shape (axes,), of the variance between centroids, what each holds.
    """

    directions: NDArray[np.float32]
    origin: NDArray[np.float64]
    shares: NDArray[np.float64]


def main_axes(centroids: NDArray[np.float32], photos: NDArray[np.int64]) -> Axes:
    """Principal components of clusters, each counted as often as it has photos.

    Args:
        centroids: shape (clusters, dimensions).
        photos: shape (clusters,).
    """
    weights = np.maximum(photos, 1).astype(np.float64)
    weights /= weights.sum()
    mean = weights @ centroids
    spread = (centroids - mean) * np.sqrt(weights)[:, None]
    _, scales, rows = np.linalg.svd(spread, full_matrices=False)
    shares = scales**2 / max(float((scales**2).sum()), np.finfo(np.float64).tiny)
    kept = int(np.count_nonzero(shares[:_AXES] > _LEAST_SHARE))
    # Rounding alone separates centroids that are all the same.
    if float((scales**2).sum()) <= _LEAST_SHARE**2 * max(float(mean @ mean), 1.0):
        kept = 0
    # A direction and its opposite are one axis; its largest number is made positive.
    directions = rows[:kept] * np.array(
        [[np.sign(row[np.abs(row).argmax()])] for row in rows[:kept]]
    ).reshape(kept, 1)
    return Axes(directions.astype(np.float32), directions @ mean, shares[:kept])


def nearest_others(
    centroids: NDArray[np.float32], metric: str, most: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The centroids that are nearest to each.

    Args:
        centroids: shape (clusters, dimensions).
        metric: `cosine` or `l2`.
        most: how many for each.

    Returns:
        Places in `centroids` and distances, each of shape (clusters, min(most, clusters - 1)),
        nearest first.
    """
    clusters = len(centroids)
    kept = max(0, min(most, clusters - 1))
    places = np.empty((clusters, kept), dtype=np.intp)
    distances = np.empty((clusters, kept))
    rows = centroids.astype(np.float64)
    if metric == "cosine":
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        rows = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    squares = (rows**2).sum(axis=1)
    step = max(1, _PAIRS_AT_ONCE // clusters)
    for start in range(0, clusters, step):
        block = slice(start, min(start + step, clusters))
        squared = squares[block, None] + squares[None] - 2 * rows[block] @ rows.T
        np.maximum(squared, 0, out=squared)
        squared[np.arange(len(squared)), np.arange(block.start, block.stop)] = np.inf
        nearest = np.argsort(squared, axis=1, kind="stable")[:, :kept]
        found = np.take_along_axis(squared, nearest, axis=1)
        places[block] = nearest
        # Of unit vectors, the squared distance is twice the cosine distance.
        distances[block] = found / 2 if metric == "cosine" else np.sqrt(found)
    return places, distances
