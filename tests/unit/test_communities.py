"""Weights of a graph, its communities, and the search for a number of them."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from fluffy_sql.graph.communities import communities, label, search
from fluffy_sql.graph.edges import Edges, shared_neighbours
from fluffy_sql.graph.leiden import LeidenSettings
from fluffy_sql.graph.neighbours import Graph


def ring(groups: int, size: int) -> NDArray[np.int32]:
    """Groups in which all are neighbours of all."""
    members = np.arange(groups * size, dtype=np.int32).reshape(groups, size)
    return np.concatenate(
        [[np.delete(group, place) for place in range(size)] for group in members]
    ).astype(np.int32)


def weights(edges: Edges) -> NDArray[np.float64]:
    """As a matrix."""
    matrix = np.zeros((len(edges), len(edges)))
    owners = np.repeat(np.arange(len(edges)), np.diff(edges.starts))
    np.add.at(matrix, (owners, edges.others), edges.weights)
    return matrix


def test_edges_weigh_the_share_of_neighbours_that_both_have() -> None:
    neighbours = np.array([[1, 2], [0, 2], [3, -1], [2, -1]], dtype=np.int32)
    # The first two share three with themselves counted in, and one with the third.
    expected = np.array([[0, 1, 1 / 4, 0], [1, 0, 1 / 4, 0], [1 / 4, 1 / 4, 0, 1], [0, 0, 1, 0]])
    assert np.allclose(weights(shared_neighbours(neighbours)), expected / expected.sum())


def test_many_edges_are_weighed_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    neighbours = np.array(
        [generator.choice(np.delete(np.arange(60), own), 6, replace=False) for own in range(60)],
        dtype=np.int32,
    )
    closed = [{own, *row} for own, row in enumerate(neighbours.tolist())]
    expected = np.zeros((60, 60))
    for own, row in enumerate(neighbours.tolist()):
        for other in row:
            one, two = closed[own], closed[other]
            expected[own, other] = expected[other, own] = len(one & two) / len(one | two)
    monkeypatch.setattr("fluffy_sql.graph.edges._IDS_AT_ONCE", 7 * 6 * 7)
    monkeypatch.setattr("fluffy_sql.graph.edges._NODES_AT_ONCE", 7)
    monkeypatch.setattr("fluffy_sql.graph.edges._EDGES_AT_ONCE", 70)
    edges = shared_neighbours(neighbours)
    matrix = weights(edges)
    assert np.allclose(matrix, expected / expected.sum())
    assert np.allclose(edges.strengths(), matrix.sum(axis=1))
    labels = generator.integers(20, size=60).astype(np.int32)
    labels[:20] = np.arange(20)
    of = np.eye(20)[labels]
    merged = edges.merged(labels)
    assert np.allclose(weights(merged), of.T @ matrix @ of)
    assert np.allclose(merged.loops(), np.diag(weights(merged)))
    held = np.where(labels[:, None] == labels, expected, 0).sum(axis=1) / (expected > 0).sum(axis=1)
    assert np.allclose(edges.held(labels), held)
    with edges.cut(labels):
        inside = np.where(labels[:, None] == labels, matrix, 0)
        assert np.allclose(weights(edges), inside + np.diag((matrix - inside).sum(axis=1)))
        assert np.allclose(edges.loops(), (matrix - inside).sum(axis=1))
    assert np.array_equal(weights(edges), matrix)
    # What leads back counts beside the edge that a community has to itself.
    of_merged, coarse = weights(merged), np.arange(20, dtype=np.int32) % 5
    with merged.cut(coarse):
        led_back = np.where(coarse[:, None] == coarse, 0, of_merged).sum(axis=1)
        assert np.allclose(merged.loops(), np.diag(of_merged) + led_back)


def test_some_photos_of_many_become_nodes_in_their_order() -> None:
    neighbours = np.array([[1, 2], [0, 2], [0, 1], [-1, -1]], dtype=np.int32)
    among = np.full((4, 2), -1, dtype=np.int32)
    order = np.array([3, 1, 0])  # of the photos from 10 on
    among[order] = np.where(neighbours[:3] >= 0, order[neighbours[:3]] + 10, -1)
    among[3, 1] = -1
    expected = among[order] - 10
    small = np.array(
        [[{3: 0, 1: 1, 0: 2}.get(other, -1) for other in row] for row in expected.tolist()]
    )
    found = shared_neighbours(among, order, 10)
    assert np.array_equal(weights(found), weights(shared_neighbours(small.astype(np.int32))))


def test_groups_apart_are_communities() -> None:
    found = communities(shared_neighbours(ring(6, 5)), 1.0)
    assert len(set(found.reshape(6, 5).T[0])) == 6
    assert (found.reshape(6, 5) == found.reshape(6, 5)[:, :1]).all()


def test_the_same_seed_gives_the_same_communities() -> None:
    neighbours = np.random.default_rng(1).integers(300, size=(300, 5)).astype(np.int32)
    asked = LeidenSettings(granularity=20)

    def labels(seed: int) -> NDArray[np.int32]:
        return label(Graph(neighbours, np.ones(300, np.bool_), [(0, 300)], 1.0), asked, seed)[0]

    first = labels(2**63 - 1)
    assert not np.array_equal(labels(5), first)
    assert np.array_equal(labels(2**63 - 1), first)


def test_coarser_levels_are_nested() -> None:
    """Three groups of four groups, each ring joined to the next one of its group."""
    neighbours = ring(12, 6)
    neighbours[::6, 4] = np.roll(np.arange(0, 72, 6).reshape(3, 4), 1, axis=1).ravel()
    graph = Graph(neighbours, np.ones(72, np.bool_), [(0, 48), (48, 72)], 1.0)
    found, groups = label(graph, LeidenSettings(granularity=60, levels=[0.2, 0.1]), 0)
    assert len(set(found)) == groups.shape[1] == 12
    assert [len(set(level)) for level in groups] == [3, 3]
    assert all(len(set(groups[0][found[place : place + 24]])) == 1 for place in (0, 24, 48))
    assert set(groups[0][:8]) & set(groups[0][8:]) == set()
    generator = np.random.default_rng(2)
    noisy = Graph(generator.integers(400, size=(400, 6)).astype(np.int32), *everyone(400), 1.0)
    found, groups = label(noisy, LeidenSettings(granularity=100, levels=[40, 10, 2, 0.5]), 0)
    sizes = [len(set(level)) for level in (found, *groups)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[2] > sizes[4]
    for finer, coarser in pairwise(groups):
        assert len(set(zip(finer, coarser, strict=True))) == len(set(finer))
        assert set(coarser) <= set(finer)


def everyone(photos: int) -> tuple[NDArray[np.bool_], list[tuple[int, int]]]:
    return np.ones(photos, np.bool_), [(0, photos)]


def test_photos_without_neighbours_are_on_their_own() -> None:
    assert communities(shared_neighbours(np.full((2, 3), -1, np.int32)), 1.0).tolist() == [0, 1]


def stepwise(least: int, most: int) -> Callable[[float], NDArray[np.int32]]:
    """So many communities at a granularity."""
    return lambda granularity: np.arange(
        np.clip(round(30 * granularity**0.8), least, most), dtype=np.int32
    )


@pytest.mark.parametrize("k", [1, 2, 7, 30, 100, 999])
def test_a_search_finds_about_k(k: int) -> None:
    assert abs(len(search(stepwise(1, 1_000), k)) - k) <= 0.02 * k


def test_a_search_for_what_there_is_not_gives_the_nearest() -> None:
    assert len(search(stepwise(12, 50), 3)) == 12
    assert len(search(stepwise(12, 50), 80)) == 50
