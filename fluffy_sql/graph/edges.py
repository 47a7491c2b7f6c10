"""Edges of a graph and what they weigh, for a million photos in 8 bytes an edge and direction.

Everything is done a piece at a time, in place if it can be: SciPy's sparse matrices would do as
well, in three times the memory.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Nodes = NDArray[np.int32]
Weights = NDArray[np.float32]
# Nodes whose edges are looked at in one piece: two megabytes.
_NODES_AT_ONCE = 2_048
_EDGES_AT_ONCE = 65_536
# Neighbours of neighbours that are compared in one piece: half a megabyte.
_IDS_AT_ONCE = 131_072


@dataclass(frozen=True)
class Edges:
    """The edges of each node, side by side (CSR). An edge is there from both of its ends.

    Attributes:
        starts: shape (nodes + 1,), where the edges of a node begin, and the next one's.
        others: the nodes that they lead to.
        weights: of each; all together are 1.
        total: what they were together before they were divided by it.
    """

    starts: Nodes
    others: Nodes
    weights: Weights
    total: float = 1.0

    def __len__(self) -> int:
        return len(self.starts) - 1

    def strengths(self) -> Weights:
        """The sum of the weights of each node's edges."""
        sums = np.empty(len(self), dtype=np.float32)
        for nodes in _pieces(len(self), _NODES_AT_ONCE):
            which, places = self._of(nodes)
            sums[nodes] = np.bincount(which, self.weights[places], len(nodes))
        return sums

    def loops(self) -> Weights:
        """The weight of each node's edges to itself."""
        found = np.empty(len(self), dtype=np.float32)
        for nodes in _pieces(len(self), _NODES_AT_ONCE):
            which, places = self._of(nodes)
            own = self.others[places] == nodes[which]
            found[nodes] = np.bincount(which[own], self.weights[places[own]], len(nodes))
        return found

    def held(self, labels: Nodes) -> Weights:
        """The mean weight of each node's edges, in which those to other labels weigh nothing."""
        means = np.empty(len(self), dtype=np.float32)
        for nodes in _pieces(len(self), _NODES_AT_ONCE):
            which, places = self._of(nodes)
            inside = labels[nodes[which]] == labels[self.others[places]]
            sums = np.bincount(which, self.weights[places] * inside, len(nodes))
            means[nodes] = (
                sums * self.total / np.maximum(1, np.bincount(which, minlength=len(nodes)))
            )
        return means

    @contextmanager
    def cut(self, labels: Nodes) -> Iterator[None]:
        """Without edges between different labels, until it ends.

        They are not taken out, which would take other arrays, but lead back to their node.
        """
        cut = []
        for nodes in _pieces(len(self), _NODES_AT_ONCE):
            which, places = self._of(nodes)
            apart = labels[nodes[which]] != labels[self.others[places]]
            places = places[apart]
            cut.append((np.packbits(apart), self.others[places]))
            self.others[places] = nodes[which[apart]]
        try:
            yield
        finally:
            pieces = _pieces(len(self), _NODES_AT_ONCE)
            for nodes, (apart, others) in zip(pieces, cut, strict=True):
                _, places = self._of(nodes)
                self.others[places[np.unpackbits(apart, count=len(places)) > 0]] = others

    def merged(self, labels: Nodes) -> "Edges":
        """The graph of communities; what lies inside of one becomes an edge to itself."""
        count = int(labels.max(initial=-1)) + 1
        members = np.argsort(labels, kind="stable").astype(np.int32)
        ends = np.cumsum(np.bincount(labels, minlength=count))
        edge_ends = np.cumsum(np.bincount(labels, np.diff(self.starts), minlength=count))
        lengths, others, weights = [], [], []
        first, begun = 0, 0
        while first < count:
            most = (edge_ends[first - 1] if first else 0) + _EDGES_AT_ONCE
            last = max(first + 1, int(np.searchsorted(edge_ends, most)))
            nodes = members[begun : ends[last - 1]]
            which, places = self._of(nodes)
            pairs = (labels[nodes[which]] - first).astype(np.int64) * count
            pairs, places_of = np.unique(pairs + labels[self.others[places]], return_inverse=True)
            sums = np.bincount(places_of, self.weights[places], len(pairs))
            lengths.append(np.bincount(pairs // count, minlength=last - first))
            others.append((pairs % count).astype(np.int32))
            weights.append(sums.astype(np.float32))
            first, begun = last, int(ends[last - 1])
        return Edges(
            starts_of(np.concatenate(lengths)), np.concatenate(others), np.concatenate(weights)
        )

    def _of(self, nodes: Nodes) -> tuple[Nodes, NDArray[np.intp]]:
        """The edges of some nodes: which node of these each one is of, and its place."""
        lengths = self.starts[nodes + 1] - self.starts[nodes]
        which = np.repeat(np.arange(len(nodes), dtype=np.int32), lengths)
        before = np.cumsum(lengths) - lengths
        return which, np.arange(len(which)) + (self.starts[nodes] - before)[which]


def shared_neighbours(
    neighbours: Nodes, photos: NDArray[np.integer] | None = None, first: int = 0
) -> Edges:
    """An edge between two photos if one is a neighbour of the other.

    It weighs what share of the neighbours of either are those of both (Jaccard); a photo counts as
    a neighbour of itself.

    Args:
        neighbours: shape (places, neighbours), places of photos from `first`; -1: no more.
        photos: the rows that become nodes, in their order, which have only each other as
            neighbours; None: all of them.
        first: the place of the first row.
    """
    ids = np.arange(len(neighbours), dtype=np.int32) if photos is None else photos
    numbers = np.empty(len(neighbours), dtype=np.int32)
    numbers[ids] = np.arange(len(ids), dtype=np.int32)
    width = neighbours.shape[1]
    at_once = max(1, _IDS_AT_ONCE // (width * (width + 1)))

    def lists(own: NDArray[np.integer]) -> tuple[Nodes, Nodes]:
        """The neighbours of some rows, and those of these."""
        near = np.maximum(neighbours[own] - first, -1)
        return near, np.maximum(neighbours[near] - first, -1)

    lengths = np.zeros(len(neighbours), dtype=np.int32)
    counts = np.zeros(len(ids), dtype=np.int32)
    one_way = np.empty((len(ids), width), dtype=np.bool_)
    for own in _pieces(len(ids), at_once):
        near, theirs = lists(ids[own])
        lengths[ids[own]] = (near >= 0).sum(axis=1)
        one_way[own] = (near >= 0) & (theirs != ids[own][:, None, None]).all(axis=2)
        targets, added = np.unique(numbers[near[one_way[own]]], return_counts=True)
        counts[targets] += added.astype(np.int32)
    starts = starts_of(lengths[ids] + counts)
    others = np.empty(starts[-1], dtype=np.int32)
    weights = np.empty(starts[-1], dtype=np.float32)
    # Edges to a node's own neighbours come first, then those from others.
    filled = starts[:-1] + lengths[ids]
    for own in _pieces(len(ids), at_once):
        near, theirs = lists(ids[own])
        there, astray = near >= 0, one_way[own]
        same = _shared(ids[own], near, theirs)
        shares = same / (lengths[ids[own]][:, None] + lengths[near] + 2 - same)
        places = (starts[own][:, None] + np.cumsum(there, axis=1) - 1)[there]
        others[places], weights[places] = numbers[near[there]], shares[there]
        targets = numbers[near[astray]]
        order = np.argsort(targets, kind="stable")
        found, begun, added = np.unique(targets[order], return_index=True, return_counts=True)
        places = np.repeat(filled[found] - begun, added) + np.arange(len(order))
        others[places] = np.broadcast_to(own[:, None], near.shape)[astray][order]
        weights[places] = shares[astray][order]
        filled[found] += added.astype(np.int32)
    total = float(weights.sum(dtype=np.float64))
    weights /= total or 1.0
    return Edges(starts, others, weights, total)


def _shared(own: NDArray[np.integer], near: Nodes, theirs: Nodes) -> Nodes:
    """How many neighbours each photo shares with each of its own; of none, any number.

    All of a photo's lists are compared with one of its neighbours at a time: long rows are what
    NumPy is fast at.
    """
    rows, width = near.shape
    lists = np.concatenate([near[:, :, None], theirs], axis=2).reshape(rows, -1)
    hits = lists == own[:, None]
    for place in range(width):
        # None is no neighbour that two have.
        hits |= lists == np.where(near[:, place] < 0, -2, near[:, place])[:, None]
    shared: Nodes = hits.reshape(rows, width, width + 1).sum(axis=2, dtype=np.int32)
    return shared


def _pieces(count: int, at_once: int) -> Iterator[Nodes]:
    for first in range(0, count, at_once):
        yield np.arange(first, min(count, first + at_once), dtype=np.int32)


def starts_of(lengths: NDArray[np.integer]) -> Nodes:
    """Where the edges of each node begin, and those of a next one, by how many each has."""
    starts = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=starts[1:])
    return starts
