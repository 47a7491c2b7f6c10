"""Which centroids a photo is compared with, where there are many: those around its cell.

An HNSW index over the centroids would do as well, but pgvector draws its layers at random and
offers no seed, so the same seed would no longer give the same clusters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fluffy_sql.algorithms.seeding import seed_centroids

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

# Fewer centroids are all compared: cells would cost what they save (k=200: 4.8 s for 4.1 s).
LEAST_CENTROIDS = 300
# Share of photos whose nearest centroid must be among the candidates of their cell.
LEAST_RECALL = 0.99
# What candidates are chosen for: a photo that was not looked at in choosing does a little worse.
_WANTED_RECALL = 0.997
# Cells for each square root of k. In the final pass a photo is compared with all of them, too: at
# k=1,000, 128 cells take 330 comparisons for a recall of 0.994, 200 cells 400. In training, where
# the cell of a row is found once, more cells of fewer candidates are faster.
CELLS_OF_PHOTOS = 4
CELLS_OF_ROWS = 8
_CELL_STEPS = 4
_BLOCK = 512


@dataclass(frozen=True)
class Cells:
    """Groups of centroids that lie together.

    Attributes:
        centers: shape (cells, dimensions).
        candidates: shape (cells, width), int32, labels of the centroids nearest to each center.
    """

    centers: Matrix
    candidates: NDArray[np.int32]


def cell_centers(centroids: Matrix, cells: int, generator: np.random.Generator) -> Matrix:
    """Centers of groups of centroids; shape (cells times the square root of k, dimensions).

    Args:
        centroids: shape (k, dimensions).
        cells: CELLS_OF_PHOTOS or CELLS_OF_ROWS.
        generator: where chance comes from.
    """
    centers = seed_centroids(centroids, int(cells * len(centroids) ** 0.5), generator)
    for _ in range(_CELL_STEPS):
        nearest = _nearest(centroids, centers)
        filled = np.unique(nearest)
        centers[filled] = [centroids[nearest == cell].mean(axis=0) for cell in filled]
    return centers


def cells_about(centers: Matrix, centroids: Matrix, rows: Matrix) -> Cells:
    """The candidates of each cell: as many as it takes to keep the recall.

    Args:
        centers: shape (cells, dimensions).
        centroids: shape (k, dimensions).
        rows: shape (n, dimensions), some of what is to be assigned: they tell how many it takes.
    """
    by_distance = np.argsort(_squared_distances(centers, centroids), axis=1, kind="stable")
    width = _width(by_distance, _nearest(rows, centers), _nearest(rows, centroids))
    return Cells(centers, by_distance[:, :width].astype(np.int32))


def cells_of(centroids: Matrix, rows: Matrix, generator: np.random.Generator) -> Cells | None:
    """Cells for the final pass; None where comparing with every centroid is as fast.

    Args:
        centroids: shape (k, dimensions).
        rows: as in `cells_about`.
        generator: where chance comes from.
    """
    k = len(centroids)
    if k < LEAST_CENTROIDS:
        return None
    cells = cells_about(cell_centers(centroids, CELLS_OF_PHOTOS, generator), centroids, rows)
    return cells if cells_pay(len(cells.centers) + cells.candidates.shape[1], k) else None


def cells_pay(compared: int, centroids: int) -> bool:
    """Whether so few comparisons for each photo make up for setting candidates out."""
    return compared <= centroids // 2


def _width(by_distance: NDArray[np.intp], cells: NDArray[np.intp], labels: NDArray[np.intp]) -> int:
    """Candidates it takes for enough rows to find their centroid among those of their cell."""
    places = np.empty_like(by_distance)
    np.put_along_axis(places, by_distance, np.arange(by_distance.shape[1])[None, :], axis=1)
    return int(np.quantile(places[cells, labels], _WANTED_RECALL, method="higher")) + 1


def _nearest(rows: Matrix, centroids: Matrix) -> NDArray[np.intp]:
    blocks = [
        _squared_distances(rows[start : start + _BLOCK], centroids).argmin(axis=1)
        for start in range(0, len(rows), _BLOCK)
    ]
    return np.concatenate(blocks)


def _squared_distances(rows: Matrix, centroids: Matrix) -> Matrix:
    """Shape (n, k), but for the squared norm of each row, which ranks nothing."""
    # About their middle, since the squares of far-off numbers would swallow their differences.
    middle = centroids.mean(axis=0)
    centered = centroids - middle
    norms = np.einsum("ij,ij->i", centered, centered)
    squared: Matrix = norms[None, :] - 2 * ((rows - middle) @ centered.T)
    return squared
