"""Which centroids a photo is compared with, if there are many: those around its cell.

An HNSW index over the centroids would do as well, but pgvector draws its layers at random and
offers no seed, so the same seed would no longer give the same clusters.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.kmeans.seeding import seed_centroids
from fluffy_sql.postgres.centroids import Matrix, squared_distances

# Cells for each square root of k, and in how many of them a row looks, among how many candidates of
# each. At k=1,000 a recall of 0.998 takes 252 cells and 32 candidates of each of two; 200 of one;
# or 126 cells and 32 of each of five.
_CELLS_OF_ROOT = 8
_PROBES = 2
# More of them, if the first number of candidates finds too few.
_CANDIDATES_OF_CELL = (32, 64)
_CELL_STEPS = 4
_BLOCK = 128


@dataclass(frozen=True)
class Cells:
    """Groups of centroids that lie together.

    Attributes:
        centers: shape (cells, dimensions).
        candidates: shape (cells, width), int32, labels of the centroids nearest to each center.
    """

    centers: Matrix
    candidates: NDArray[np.int32]


def candidates_about(
    centers: Matrix,
    centroids: Matrix,
    cells: NDArray[np.intp],
    labels: NDArray[np.intp],
    *,
    widths: Sequence[int],
    least_recall: float,
) -> NDArray[np.int32] | None:
    """The centroids nearest to each center; None if too few rows would find their own in them.

    Args:
        centers: shape (cells, dimensions).
        centroids: shape (k, dimensions).
        cells: shape (n, probes), the cells that some rows probe.
        labels: shape (n,), the nearest centroid of these.
        widths: how many, and how many if these are too few; at most all.
        least_recall: the share of these rows that must find it.

    Returns:
        Shape (cells, width), labels.
    """
    for width in widths:
        candidates = _nearest_to(centers, centroids, min(width, len(centroids)))
        found = (candidates[cells] == labels[:, None, None]).any(axis=(1, 2))
        if np.mean(found) >= least_recall:
            return candidates
    return None


def _nearest_to(centers: Matrix, centroids: Matrix, width: int) -> NDArray[np.int32]:
    candidates = np.empty((len(centers), width), dtype=np.int32)
    for start in range(0, len(centers), _BLOCK):
        distances = squared_distances(centers[start : start + _BLOCK], centroids)
        closest = np.argpartition(distances, width - 1, axis=1)[:, :width]
        candidates[start : start + _BLOCK] = closest
    return candidates


def cells_of(
    centroids: Matrix,
    rows: Matrix,
    generator: np.random.Generator,
    least_recall: float,
) -> Cells | None:
    """Cells to probe; None if they would find too few.

    Args:
        centroids: shape (k, dimensions).
        rows: shape (n, dimensions), some of what is to be assigned.
        generator: of random numbers.
        least_recall: the share of them that must find their nearest centroid.
    """
    cells = int(_CELLS_OF_ROOT * len(centroids) ** 0.5)
    centers = cell_centers(centroids, cells, generator)
    looked_in = nearest_few(rows, centers, _PROBES)
    labels = nearest(rows, centroids)
    candidates = candidates_about(
        centers, centroids, looked_in, labels, widths=_CANDIDATES_OF_CELL, least_recall=least_recall
    )
    return None if candidates is None else Cells(centers, candidates)


def nearest(rows: Matrix, centroids: Matrix) -> NDArray[np.intp]:
    """The place of the nearest centroid of each row; shape (n,)."""
    return nearest_few(rows, centroids, 1)[:, 0]


def nearest_few(rows: Matrix, centroids: Matrix, few: int) -> NDArray[np.intp]:
    """The places of the nearest centroids of each row, the nearest first; shape (n, few)."""
    found = np.empty((len(rows), few), dtype=np.intp)
    for start in range(0, len(rows), _BLOCK):
        distances = squared_distances(rows[start : start + _BLOCK], centroids)
        for place in range(few):
            closest = distances.argmin(axis=1)
            found[start : start + _BLOCK, place] = closest
            np.put_along_axis(distances, closest[:, None], np.inf, axis=1)
    return found


def cell_centers(rows: Matrix, cells: int, generator: np.random.Generator) -> Matrix:
    """Centers of groups of rows; shape (up to `cells`, dimensions)."""
    centers = seed_centroids(rows, cells, generator)
    for _ in range(_CELL_STEPS):
        labels = nearest(rows, centers)
        filled = np.unique(labels)
        centers[filled] = [rows[labels == cell].mean(axis=0) for cell in filled]
    return centers
