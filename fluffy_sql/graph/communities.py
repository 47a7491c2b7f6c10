"""Communities of a graph of nearest neighbours, by Leiden (Traag, Waltman and van Eck 2019).

To be imported when it is needed: scikit-network is an extra.
"""

import ctypes
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sknetwork.clustering import Leiden

from fluffy_sql.graph.neighbours import Graph

Labels = NDArray[np.int32]
# Photos whose lists of neighbours are compared at once: a few megabytes.
_PHOTOS_AT_ONCE = 512
# A search for a number of communities ends when it is this near, or after this many steps.
_NEAR_ENOUGH = 0.02
_SEARCH_STEPS = 16
_SEEDS = 2**31 - 1
# The resolution of modularity grows with the number of photos: a fixed one merges ever more of
# them (its resolution limit, Fortunato and Barthelemy 2007).
PHOTOS_OF_RESOLUTION = 1_000


def label(graph: Graph, granularity: float, k: int | None, seed: int) -> Labels:
    """Labels of all photos, each scope's its own; shape (photos,), -1: it could not be compared.

    Args:
        graph: of one scope or several.
        granularity: more of it makes more and smaller communities.
        k: about how many to make of each scope, in place of a granularity.
        seed: of random numbers.
    """
    labels = np.full(len(graph.neighbours), -1, dtype=np.int32)
    next_label = 0
    for first, last in graph.extents:
        neighbours = compared_neighbours(graph, (first, last))
        if len(neighbours):
            found = _communities(neighbours, granularity, k, seed)
            labels[first:last][graph.compared[first:last]] = found + next_label
            next_label += int(found.max()) + 1
    return labels


def compared_neighbours(graph: Graph, extent: tuple[int, int]) -> NDArray[np.int32]:
    """Neighbours of the photos of an extent that could be compared, by their places among these."""
    first, last = extent
    compared = graph.compared[first:last]
    places = np.full(last - first + 1, -1, dtype=np.int32)  # the last is that of -1
    places[:-1][compared] = np.arange(compared.sum(), dtype=np.int32)
    own = graph.neighbours[first:last][compared]
    renumbered: NDArray[np.int32] = places[np.where(own < 0, -1, own - first)]
    return renumbered


def _communities(
    neighbours: NDArray[np.int32], granularity: float, k: int | None, seed: int
) -> Labels:
    weights = shared_neighbours(neighbours)
    resolution = len(neighbours) / PHOTOS_OF_RESOLUTION

    def find(granularity: float) -> Labels:
        return communities(weights, granularity * resolution, seed)

    return find(granularity) if k is None else search(find, k)


def shared_neighbours(neighbours: NDArray[np.int32]) -> csr_matrix:
    """The weights of edges: what share of the neighbours of either photo are those of both.

    A photo counts as a neighbour of itself (Jaccard, of lists that are closed).

    Args:
        neighbours: shape (photos, neighbours), places from 0; -1: no more.

    Returns:
        A symmetric matrix of shape (photos, photos): an edge if one is a neighbour of the other.
    """
    photos = len(neighbours)
    closed = np.column_stack([np.arange(photos, dtype=np.int32), neighbours])
    lengths = (closed >= 0).sum(axis=1, dtype=np.int32)
    ends = np.cumsum(lengths - 1, dtype=np.int32)
    second = neighbours[neighbours >= 0]
    weights = np.empty(len(second), dtype=np.float32)
    for start in range(0, photos, _PHOTOS_AT_ONCE):
        few = slice(start, start + _PHOTOS_AT_ONCE)
        first = np.repeat(np.arange(photos, dtype=np.int32)[few], lengths[few] - 1)
        edges = slice(ends[start] - lengths[start] + 1, ends[few][-1])
        left, right = closed[first], closed[second[edges]]
        same = (left[:, :, None] == right[:, None, :]) & (left >= 0)[:, :, None]
        shared = same.sum(axis=(1, 2), dtype=np.int32)
        weights[edges] = shared / (lengths[first] + lengths[second[edges]] - shared)
    directed = csr_matrix((weights, second, np.append(np.int32(0), ends)), shape=(photos, photos))
    return directed.maximum(directed.T.tocsr())


def communities(weights: csr_matrix, resolution: float, seed: int) -> Labels:
    """Labels from 0, the largest community first; shape (photos,)."""
    if not weights.nnz:  # photos on their own
        return np.arange(weights.shape[0], dtype=np.int32)
    # Leiden draws by C's rand() and leaves seeding it to others; its random_state draws nothing.
    ctypes.CDLL(None).srand(seed % _SEEDS)
    found = Leiden(resolution, "newman", return_probs=False, return_aggregate=False)
    labels: Labels = found.fit_predict(weights).astype(np.int32)
    return labels


def search(find: Callable[[float], Labels], k: int) -> Labels:
    """Labels of about k communities; `find` makes them with a granularity, more with a larger one.

    If there is none with about k, the nearest that was found.
    """
    best = find(1.0)
    low, high, at = 0.0, math.inf, 1.0
    for _ in range(_SEARCH_STEPS):
        if abs(_count(best) - k) <= _NEAR_ENOUGH * k:
            break
        labels = best if at == 1.0 else find(at)
        if abs(_count(labels) - k) < abs(_count(best) - k):
            best = labels
        if _count(labels) < k:
            low = at
        else:
            high = at
        at = _between(low, high)
    return best


def _between(low: float, high: float) -> float:
    if math.isinf(high):
        return low * 4
    return math.sqrt(low * high) if low else high / 4


def _count(labels: Labels) -> int:
    return int(labels.max(initial=-1)) + 1
