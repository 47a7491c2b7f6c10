"""How a statement finds the nearest centroid: among all, or among the candidates of a cell."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import LONGEST_VECTOR, IntegerArray

Matrix = NDArray[np.float32]
# Keeps a division by a norm of zero out of the way; its result is not used.
_TINY = 1e-300


def candidate_params(
    session: Session, centroids: Matrix, candidates: NDArray[np.int32]
) -> dict[str, Any]:
    """Parameters of a statement that compares a row with the candidates of its cell.

    Candidates, of shape (cells, width), are places in centroids, of shape (k, dimensions).
    """
    k, length = centroids.shape
    per_block = min(k, LONGEST_VECTOR // length)
    blocks = np.zeros((-(-k // per_block), per_block * length), dtype=np.float32)
    blocks.ravel()[: centroids.size] = centroids.ravel()
    return {
        "blocks": session.vector_array(blocks),
        "per_block": per_block,
        "length": length,
        "candidates": IntegerArray.of(candidates.ravel()),
        "width": candidates.shape[1],
    }


def squared_distances(rows: Matrix, centroids: Matrix) -> Matrix:
    """Shape (n, k), but for the squared norm of each row, which ranks nothing."""
    # About their middle, since the squares of far-off numbers would swallow their differences.
    middle = centroids.mean(axis=0)
    centered = centroids - middle
    norms = np.einsum("ij,ij->i", centered, centered)
    squared: Matrix = norms[None, :] - 2 * ((rows - middle) @ centered.T)
    return squared


def centroids_of(means: NDArray[np.float64], before: Matrix, *, normalize: bool) -> Matrix:
    """Means as centroids: made unit vectors under cosine.

    A mean of zero (rows that point in opposite directions) has no direction; it keeps the
    centroid it had.
    """
    if not normalize:
        return means.astype(np.float32)
    norms = np.linalg.norm(means, axis=1, keepdims=True)
    units: Matrix = np.where(norms > 0, means / np.maximum(norms, _TINY), before)
    return units.astype(np.float32)
