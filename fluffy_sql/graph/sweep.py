"""The sweep of Leiden: one graph, and a walk over granularities.

To be imported when it is needed: scikit-network is an extra.
"""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.algorithms import Suggestion
from fluffy_sql.graph.communities import PHOTOS_OF_RESOLUTION, Labels, communities
from fluffy_sql.graph.edges import Edges, Nodes, Weights, shared_neighbours, starts_of
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
        self._seed = seed
        compared = np.random.default_rng(seed).permutation(np.flatnonzero(graph.compared))
        self.photos = len(compared)
        if self.photos:
            self._edges = shared_neighbours(graph.neighbours, compared)

    def try_value(self, value: float) -> Candidate:
        """Themes of one granularity, and what they are worth."""
        begun = time.perf_counter()
        resolution = value * self.photos / PHOTOS_OF_RESOLUTION
        labels = communities(self._edges, resolution)
        again = [self._found_again(resolution, place) for place in (0, 1)]
        null = rewired(self._edges, np.random.default_rng([self._seed, _REWIRED]))
        by_chance = inside(null, communities(null, resolution))
        beyond_chance = inside(self._edges, labels) - by_chance
        pairs = (labels, again[0]), (labels, again[1]), (again[0], again[1])
        stability = float(np.mean([adjusted_rand_index(*pair) for pair in pairs]))
        sizes = np.bincount(labels)
        return Candidate(
            granularity=value,
            clusters=len(sizes),
            smallest_cluster=int(sizes.min()),
            largest_cluster=int(sizes.max()),
            stability=round(stability, 6),
            modularity=round(modularity(self._edges, labels, resolution), 6),
            beyond_chance=round(beyond_chance, 6),
            score=round(stability * beyond_chance, 6),
            seconds=round(time.perf_counter() - begun, 3),
        )

    def _found_again(self, resolution: float, place: int) -> Labels:
        """The themes of a graph that lacks some edges, its photos in another order."""
        generator = np.random.default_rng([self._seed, _LEFT_OUT, place])
        order = generator.permutation(self.photos).astype(np.int32)
        return communities(thinned(self._edges, order, generator), resolution)[order]

    def suggest(self, candidates: Sequence[Candidate]) -> Suggestion:
        """The granularity with the best score, if there is a good one."""
        return suggest(candidates)

    def basis(self, candidates: Sequence[Candidate]) -> str:
        """How they were tried."""
        del candidates
        return (
            f"each in one graph of {count(self.photos, 'photo')}, in two that lack"
            f" {1 - _KEPT_EDGES:.0%} of its edges and in one with its edges at random"
        )


def inside(edges: Edges, labels: Labels) -> float:
    """The share of the weight of edges that is inside of communities."""
    first, second, weights = _each_once(edges)
    return 2 * float(weights[labels[first] == labels[second]].sum(dtype=np.float64))


def modularity(edges: Edges, labels: Labels, resolution: float) -> float:
    """What Leiden makes large: the weight inside, less what is expected there of a random graph.

    (Newman and Girvan 2004; the resolution is that of Reichardt and Bornholdt 2006.)
    """
    shares = np.bincount(labels, edges.strengths())
    return inside(edges, labels) - resolution * float((shares**2).sum())


def thinned(edges: Edges, order: Nodes, generator: np.random.Generator) -> Edges:
    """The graph without some of its edges, and with its nodes in another order."""
    first, second, weights = _each_once(edges)
    kept = generator.random(len(weights)) < _KEPT_EDGES
    return _graph(order[first[kept]], order[second[kept]], weights[kept], len(edges))


def rewired(edges: Edges, generator: np.random.Generator) -> Edges:
    """A graph in which each photo has as many edges as before, to photos at random.

    The configuration model (Molloy and Reed 1995): edges are cut in two and halves joined anew;
    the few that join a photo to itself are left out.
    """
    first, second, weights = _each_once(edges)
    turned = generator.random(len(weights)) < 1 / 2
    first, second = np.where(turned, second, first), np.where(turned, first, second)
    second = generator.permutation(second)
    apart = first != second
    return _graph(first[apart], second[apart], weights[apart], len(edges))


def _each_once(edges: Edges) -> tuple[Nodes, Nodes, Weights]:
    """Both ends of each edge, and its weight."""
    owners = np.repeat(np.arange(len(edges), dtype=np.int32), np.diff(edges.starts))
    once = owners < edges.others
    return owners[once], edges.others[once], edges.weights[once]


def _graph(first: Nodes, second: Nodes, weights: Weights, nodes: int) -> Edges:
    """The graph of these edges."""
    owners = np.concatenate([first, second])
    order = np.argsort(owners, kind="stable")
    starts = starts_of(np.bincount(owners, minlength=nodes))
    weights = np.concatenate([weights, weights])[order]
    if len(weights):
        weights /= weights.sum(dtype=np.float64)
    return Edges(starts, np.concatenate([second, first])[order], weights)


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
