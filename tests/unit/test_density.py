"""DBSCAN on pairs, against scikit-learn."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN

from fluffy_sql.algorithms import LEFT_OUT
from fluffy_sql.graph.density import k_distances, label
from fluffy_sql.graph.eps import Candidate, suggest
from fluffy_sql.graph.eps_sweep import EpsSweep, knee
from fluffy_sql.graph.pairs import Pairs
from tests.conftest import made_library


def pairs_of(distances: NDArray[np.float64], within: float) -> Pairs:
    """As they are found: of equal points the first stands for all."""
    originals = (distances == 0).argmax(axis=1)
    first, second = np.nonzero(np.triu(distances <= within, 1))
    kept = (originals[first] == first) & (
        (originals[second] == second) | (originals[second] == first)
    )
    first, second = first[kept], second[kept]
    return Pairs(
        first.astype(np.int32),
        second.astype(np.int32),
        distances[first, second].astype(np.float32),
        np.ones(len(distances), dtype=np.bool_),
        originals.astype(np.int32),
    )


def assert_agrees(
    labels: NDArray[np.int32], distances: NDArray[np.float64], eps: float, least: int
) -> None:
    """Core photos are in the same clusters, noise is noise, and borders are at the nearest core."""
    theirs = DBSCAN(eps=eps, min_samples=least, metric="precomputed").fit(distances)
    core = theirs.core_sample_indices_
    assert np.array_equal(labels == LEFT_OUT, theirs.labels_ < 0)
    assert len({*zip(labels[core], theirs.labels_[core], strict=True)}) == len({*labels[core]})
    assert {*labels[labels >= 0].tolist()} == {*theirs.labels_[theirs.labels_ >= 0].tolist()}
    for border in np.setdiff1d(np.flatnonzero(labels >= 0), core):
        assert labels[border] == labels[core[distances[border][core].argmin()]]


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=40),
    st.integers(1, 6),
    st.sampled_from([1.0, 1.5, 2.0, 3.2]),
)
def test_it_agrees_with_scikit_learn(points: list[tuple[int, int]], least: int, eps: float) -> None:
    rows = np.array(points, dtype=np.float64)
    distances = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    assert_agrees(label(pairs_of(distances, eps), least), distances, eps, least)


def test_a_photo_that_could_not_be_compared_is_no_noise() -> None:
    nothing = np.empty(0, dtype=np.int32)
    compared, originals = np.array([True, False]), np.arange(2, dtype=np.int32)
    pairs = Pairs(nothing, nothing, nothing.astype(np.float32), compared, originals)
    assert label(pairs, 1).tolist() == [0, LEFT_OUT - 1]
    assert label(pairs, 2).tolist() == [LEFT_OUT, LEFT_OUT - 1]


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=30),
    st.integers(1, 5),
)
def test_k_distances_are_those_of_numpy(points: list[tuple[int, int]], least: int) -> None:
    rows = np.array(points, dtype=np.float64)
    distances = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    found = k_distances(pairs_of(distances, 3.2), least)
    if least > len(rows):
        assert np.isinf(found).all()
        return
    expected = np.sort(distances, axis=1)[:, least - 1]
    assert np.allclose(found, np.where(expected <= 3.2, expected, np.inf))


def test_the_knee_is_where_the_curve_bends() -> None:
    curve = np.concatenate([np.linspace(0.1, 0.1232, 90), np.linspace(0.15, 1, 10), [np.inf] * 5])
    assert knee(curve.astype(np.float32)) == 0.124  # rounded up, so that the photo there is core
    assert knee(np.array([np.inf], dtype=np.float32)) is None
    assert knee(np.zeros(3, dtype=np.float32)) is None
    assert knee(np.array([1, 3, 4, 4.5], dtype=np.float32)) is None


def test_eps_is_tried_on_both_sides_of_the_knee() -> None:
    rows = made_library(3, photos=200)[0].astype(np.float64)
    distances = np.maximum(1 - rows @ rows.T, 0)
    np.fill_diagonal(distances, 0)
    values = EpsSweep(pairs_of(distances, 0.5), (), 0.5, 5).values
    found = knee(np.sort(np.sort(distances, axis=1)[:, 4]).astype(np.float32))
    assert found in values
    around = [value / (found or 1) for value in values if 0.75 < value / (found or 1) < 1.3]
    assert min(around) < 0.95
    assert max(around) > 1.2


def tried(eps: float, clusters: int, noise: float, largest: float | None) -> Candidate:
    return Candidate(
        eps=eps,
        core_share=0.5,
        clusters=clusters,
        noise_share=noise,
        largest_share=largest,
        seconds=0,
    )


def test_the_eps_at_the_knee_is_suggested_unless_clusters_are_one_there() -> None:
    apart = [tried(0.1, 9, 0.6, 0.2), tried(0.2, 8, 0.1, 0.3), tried(0.3, 2, 0.05, 0.9)]
    assert suggest(apart, 0.21).value == 0.2
    assert suggest(apart, 0.21).measures_agree
    grown = suggest(apart, 0.3)
    assert (grown.value, grown.measures_agree) == (0.2, False)
    assert grown.reasons[1] == "at 0.3 one cluster has 90% of the photos in clusters"
    # Of two clusters one has half in truth.
    assert suggest([tried(0.1, 4, 0.2, 0.4), tried(0.2, 2, 0.1, 0.51)], 0.2).measures_agree
    # One cluster is that large in truth: smaller eps only take it to pieces.
    assert suggest([tried(0.1, 30, 0.6, 0.2), tried(0.2, 3, 0.1, 0.7)], 0.2).value == 0.2
    assert suggest([tried(0.1, 0, 1, None)], 0.1).value is None
    assert "has no knee" in suggest(apart, None).reasons[0]
    assert "no eps near it was tried" in suggest(apart, 0.5).reasons[0]
    lone = suggest([tried(0.2, 1, 0.01, 1)], 0.2)
    assert (lone.value, "nearly all photos are one cluster" in lone.reasons[0]) == (None, True)
