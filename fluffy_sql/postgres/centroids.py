"""How a statement finds the nearest centroid: among all, or among the candidates of a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fluffy_sql.postgres.vectors import LONGEST_VECTOR, IntegerArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fluffy_sql.postgres.session import Session

    Matrix = NDArray[np.float32]


def exhaustive_params(session: Session, centroids: Matrix) -> dict[str, Any]:
    """Parameters of a statement that compares a row with every centroid.

    They are encoded once and can be sent to many sessions.

    Args:
        session: any of the database.
        centroids: shape (k, dimensions).
    """
    return {"centroids": session.vector_array(centroids)}


def candidate_params(
    session: Session, centroids: Matrix, candidates: NDArray[np.int32]
) -> dict[str, Any]:
    """Parameters of a statement that compares a row with the candidates of its cell.

    Args:
        session: any of the database.
        centroids: shape (k, dimensions).
        candidates: shape (cells, width), places in centroids.
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
