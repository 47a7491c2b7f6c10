"""Which centroids breathing k-means takes away (Fritzke 2020, arXiv 2006.15666)."""

import numpy as np
from numpy.typing import NDArray

# Centroids nearer than this times the mean distance to the nearest other are neighbours.
_NEIGHBOUR = 1.1
# Rows of centroids compared with all others at a time.
_BLOCK = 256


def centroids_to_remove(
    centroids: NDArray[np.float32], utilities: NDArray[np.float64], most: int
) -> list[int]:
    """The centroids to take away: of least utility, but not two that lie side by side.

    Of two neighbours each has little utility, because the other is there; taking both would leave
    a hole. So the neighbours of one that goes are kept, if enough others remain (Fritzke
    2020, section 3.2).

    Args:
        centroids: shape (k, dimensions).
        utilities: shape (k,).
        most: how many to pick; less than k.
    """
    near = _NEIGHBOUR * float(np.mean(_distances_to_nearest_other(centroids)))
    picked: list[int] = []
    kept: set[int] = set()
    for label in np.argsort(utilities, kind="stable").tolist():
        if len(picked) == most:
            break
        if label in kept:
            continue
        picked.append(label)
        spare = len(centroids) - most - len(kept)
        distances = np.linalg.norm(centroids - centroids[label], axis=1)
        nearest_first = np.argsort(distances, kind="stable").tolist()
        neighbours = [n for n in nearest_first if distances[n] < near and n not in picked]
        kept.update(neighbours[: max(spare, 0)])
    return picked


def _distances_to_nearest_other(centroids: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shape (k,); by blocks, since all k x k distances at once would be 100 MB at k=5,000."""
    # About their middle, since the squares of far-off numbers would swallow their differences.
    centroids = centroids - centroids.mean(axis=0)
    norms = np.einsum("ij,ij->i", centroids, centroids)
    nearest = np.empty(len(centroids), dtype=np.float32)
    for start in range(0, len(centroids), _BLOCK):
        block = slice(start, start + _BLOCK)
        squared = norms[block, None] + norms[None, :] - 2 * (centroids[block] @ centroids.T)
        squared[np.arange(len(squared)), np.arange(start, start + len(squared))] = np.inf
        nearest[block] = np.sqrt(np.maximum(squared.min(axis=1), 0))
    return nearest
