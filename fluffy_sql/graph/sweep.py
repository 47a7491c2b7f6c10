"""The sweep of Leiden: one graph, and a walk over granularities.

To be imported when it is needed: scikit-network is an extra.
"""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from fluffy_sql.algorithms import Suggestion
from fluffy_sql.graph.communities import (
    PHOTOS_OF_RESOLUTION,
    Labels,
    communities,
    compared_neighbours,
    shared_neighbours,
)
from fluffy_sql.graph.granularity import Candidate, suggest
from fluffy_sql.graph.neighbours import Graph
from fluffy_sql.words import count

# Of the edges, in the graphs that stability is measured with. With all of them seeds alone differ:
# themes of noise agreed to .8, and to .1 with these (November 2026).
_KEPT_EDGES = 0.85
# RNG streams of what is left out, and of what is rewired.
_LEFT_OUT, _REWIRED = 3_000_000, 3_000_001


class GranularitySweep:
    """Finds themes at each granularity: in the graph, in two that lack edges, and in a random one.

    Attributes:
        values: the granularities.
        left_out: none.
        photos: that are in the graph.
    """

    left_out: Sequence[float] = ()

    def __init__(self, graph: Graph, values: Sequence[float], seed: int) -> None:
        self.values = values
        neighbours = compared_neighbours(graph, (0, len(graph.neighbours)))
        self.photos = len(neighbours)
        self._seed = seed
        if self.photos:
            self._weights = shared_neighbours(neighbours)

    def try_value(self, value: float) -> Candidate:
        """Themes of one granularity, and what they are worth."""
        begun, seed = time.perf_counter(), self._seed
        resolution = value * self.photos / PHOTOS_OF_RESOLUTION
        labels = communities(self._weights, resolution, seed)
        again = [
            communities(thinned(self._weights, [seed, _LEFT_OUT, place]), resolution, seed + place)
            for place in (1, 2)
        ]
        null = rewired(self._weights, [seed, _REWIRED])
        by_chance = modularity(null, communities(null, resolution, seed), resolution)
        found = modularity(self._weights, labels, resolution)
        pairs = (labels, again[0]), (labels, again[1]), (again[0], again[1])
        stability = float(np.mean([adjusted_rand_index(*pair) for pair in pairs]))
        sizes = np.bincount(labels)
        return Candidate(
            granularity=value,
            clusters=len(sizes),
            smallest_cluster=int(sizes.min()),
            largest_cluster=int(sizes.max()),
            stability=round(stability, 6),
            modularity=round(found, 6),
            beyond_chance=round(found - by_chance, 6),
            score=round(stability * (found - by_chance), 6),
            seconds=round(time.perf_counter() - begun, 3),
        )

    def suggest(self, candidates: Sequence[Candidate]) -> Suggestion:
        """The granularity that stability and modularity like best between them."""
        return suggest(candidates)

    def basis(self, candidates: Sequence[Candidate]) -> str:
        """How they were tried."""
        del candidates
        return (
            f"each in one graph of {count(self.photos, 'photo')}, in two that lack"
            f" {1 - _KEPT_EDGES:.0%} of its edges and in one with its edges at random"
        )


def modularity(weights: csr_matrix, labels: Labels, resolution: float) -> float:
    """Newman's, of labels: the share of weight inside of communities, less what chance puts there.

    (Newman and Girvan 2004; the resolution is that of Reichardt and Bornholdt 2006.)
    """
    degrees = np.asarray(weights.sum(axis=1), dtype=np.float64).ravel()
    total = degrees.sum()
    if not total:
        return 0.0
    edges = weights.tocoo()
    inside = edges.data[labels[edges.row] == labels[edges.col]].sum(dtype=np.float64)
    shares = np.bincount(labels, degrees) / total
    return float(inside / total - resolution * (shares**2).sum())


def thinned(weights: csr_matrix, seed: Sequence[int]) -> csr_matrix:
    """The graph without some of its edges."""
    edges = _each_once(weights)
    kept = np.random.default_rng(seed).random(edges.nnz) < _KEPT_EDGES
    return _both_ways(edges.row[kept], edges.col[kept], edges.data[kept], len(weights.indptr) - 1)


def rewired(weights: csr_matrix, seed: Sequence[int]) -> csr_matrix:
    """A graph in which each photo has as many edges as before, to photos at random.

    The configuration model (Molloy and Reed 1995): edges are cut in two and halves joined anew;
    the few that join a photo to itself are left out.
    """
    generator, edges = np.random.default_rng(seed), _each_once(weights)
    turned = generator.random(edges.nnz) < 1 / 2
    first = np.where(turned, edges.col, edges.row)
    second = generator.permutation(np.where(turned, edges.row, edges.col))
    apart = first != second
    return _both_ways(first[apart], second[apart], edges.data[apart], len(weights.indptr) - 1)


def _each_once(weights: csr_matrix) -> coo_matrix:
    edges = weights.tocoo()
    once = edges.row < edges.col
    places = edges.row[once], edges.col[once]
    return coo_matrix((edges.data[once], places), shape=weights.shape)


def _both_ways(
    first: NDArray[np.int32], second: NDArray[np.int32], data: NDArray[np.float32], photos: int
) -> csr_matrix:
    half = csr_matrix((data, (first, second)), shape=(photos, photos))
    return half + half.T.tocsr()


def adjusted_rand_index(first: Labels, second: Labels) -> float:
    """How alike two partitions of the same photos are (Hubert and Arabie 1985); 1: the same."""
    pairs = np.unique(first.astype(np.int64) * (int(second.max()) + 1) + second, return_counts=True)
    both, one, other, every = (
        _pairs_within(sizes)
        for sizes in (pairs[1], np.bincount(first), np.bincount(second), np.array([len(first)]))
    )
    by_chance = one * other / every if every else 0.0
    most = (one + other) / 2
    return 1.0 if most == by_chance else (both - by_chance) / (most - by_chance)


def _pairs_within(sizes: NDArray[np.int64]) -> float:
    return float((sizes * (sizes - 1) / 2).sum())
