"""Communities of a graph of nearest neighbours, by Leiden (Traag, Waltman and van Eck 2019).

To be imported when it is needed: scikit-network is an extra.
"""

import math
from collections.abc import Callable, Sequence
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.algorithms import LEFT_OUT
from fluffy_sql.graph.edges import Edges, Nodes, Weights, shared_neighbours
from fluffy_sql.graph.leiden import LeidenSettings
from fluffy_sql.graph.neighbours import Graph

Labels = NDArray[np.int32]
# A search for a number of communities ends when it is this near, or after this many steps.
_NEAR_ENOUGH = 0.02
_SEARCH_STEPS = 16
# The resolution of modularity grows with the number of photos: a fixed one merges ever more of
# them (its resolution limit, Fortunato and Barthelemy 2007).
PHOTOS_OF_RESOLUTION = 1_000
# Of modularity, below which photos are no longer moved.
_LEAST_GAIN = 0.001


def _core() -> Any:
    """The compiled part of scikit-network that moves nodes, without the package around it.

    That would import SciPy and all else it has: 40 MB, of a client that needs 90 without it.
    """
    package = find_spec("sknetwork")
    folders = (package and package.submodule_search_locations) or ()
    name = "sknetwork.clustering.louvain_core"
    spec = PathFinder.find_spec(name, [str(Path(folder) / "clustering") for folder in folders])
    if spec is None or spec.loader is None:
        raise ImportError(name)
    core = module_from_spec(spec)
    spec.loader.exec_module(core)
    return core


_move = _core().optimize_core


def label(graph: Graph, asked: LeidenSettings, seed: int) -> tuple[Labels, Labels]:
    """Labels of all photos, each scope's its own, and coarser levels of these.

    Args:
        graph: of one scope or several; its neighbours are forgotten as soon as they are not needed.
        asked: what is to be found. Photos whose edges weigh less than `noise` are left out, on the
            mean; edges to other communities weigh nothing.
        seed: of the order in which photos are looked at.

    Returns:
        Labels, of shape (photos,), LEFT_OUT if it is noise, below that if it could not be compared;
        and of each level, shape (levels, labels), the first label of the group that each is in.
    """
    labels = np.full(len(graph.neighbours), LEFT_OUT - 1, dtype=np.int32)
    groups = [np.empty((len(asked.levels), 0), dtype=np.int32)]
    next_label = 0
    generator = np.random.default_rng(seed)
    for first, last in graph.extents:
        order = generator.permutation(np.flatnonzero(graph.compared[first:last]))
        if len(order):
            edges = shared_neighbours(graph.neighbours[first:last], order, first)
            if last == graph.extents[-1][1]:
                graph.forget_neighbours()
            compared = first + order
            found = _communities(edges, asked.granularity, asked.k)
            labels[compared] = found + next_label
            if asked.noise is not None:
                labels[compared[edges.held(found) < asked.noise]] = LEFT_OUT
            groups.append(_coarser(edges, found, asked.levels) + next_label)
            next_label += groups[-1].shape[1]
    return labels, np.concatenate(groups, axis=1)


def _coarser(edges: Edges, labels: Labels, granularities: Sequence[float]) -> Labels:
    """Groups of communities, groups of those, and so on; shape (granularities, communities).

    Each level is found in the graph of the one before, so that levels are nested.
    """
    merged, nodes = edges.merged(labels), len(edges)
    group_of = np.arange(len(merged), dtype=np.int32)
    levels = np.empty((len(granularities), len(merged)), dtype=np.int32)
    for level, granularity in enumerate(granularities):
        groups = communities(merged, granularity * nodes / PHOTOS_OF_RESOLUTION)
        merged, group_of = merged.merged(groups), groups[group_of]
        levels[level] = np.unique(group_of, return_index=True)[1][group_of]
    return levels


def _communities(edges: Edges, granularity: float, k: int | None) -> Labels:
    resolution = len(edges) / PHOTOS_OF_RESOLUTION

    def find(granularity: float) -> Labels:
        return communities(edges, granularity * resolution)

    return find(granularity) if k is None else search(find, k)


def communities(edges: Edges, resolution: float) -> Labels:
    """Labels from 0, the largest community first; shape (nodes,).

    Nodes are visited in their order, so another order may give other communities. Each step moves
    nodes to where modularity gains most, splits what came out into parts that hold together,
    likewise, and goes on with these parts as nodes. (The paper draws among all parts that gain
    something, the likelier the more; this is its limit without chance. It found the same
    modularity as one that draws, to within 0.0005.)
    """
    strengths = edges.strengths()
    node_of = np.arange(len(edges), dtype=np.int32)
    labels = node_of
    while True:
        labels, gain = _moved(edges, strengths, labels, resolution)
        if gain <= _LEAST_GAIN:
            return _largest_first(labels[node_of])
        with edges.cut(labels):
            apart = np.arange(len(edges), dtype=np.int32)
            parts, _ = _moved(edges, strengths, apart, resolution)
        edges = edges.merged(parts)
        strengths = _sums(parts, strengths)
        node_of = parts[node_of]
        labels = labels[np.unique(parts, return_index=True)[1]]


def _moved(
    edges: Edges, strengths: Weights, labels: Nodes, resolution: float
) -> tuple[Nodes, float]:
    """Labels, from 0 without gaps, after moving nodes while it pays, and the gain."""
    sums = _sums(labels, strengths)
    moved, gain = _move(
        labels.copy(),
        edges.others,
        edges.starts,
        edges.weights,
        strengths,
        strengths,
        sums,
        sums.copy(),
        np.zeros_like(sums),
        edges.loops(),
        resolution,
        _LEAST_GAIN,
    )
    return np.unique(moved, return_inverse=True)[1].astype(np.int32), gain


def _sums(labels: Nodes, strengths: Weights) -> Weights:
    return np.bincount(labels, strengths).astype(np.float32)


def _largest_first(labels: Nodes) -> Labels:
    order = np.argsort(-np.bincount(labels), kind="stable")
    return np.argsort(order).astype(np.int32)[labels]


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
