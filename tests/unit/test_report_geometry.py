"""What centroids tell: main axes and neighbours, against plain NumPy."""

import numpy as np
import pytest

from fluffy_sql.operations.report import geometry
from fluffy_sql.operations.report.geometry import main_axes, nearest_others


def some_centroids(clusters: int, dimensions: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(clusters, dimensions)).astype(np.float32)


@pytest.mark.parametrize(("clusters", "dimensions"), [(5, 40), (40, 5), (9, 9)])
def test_axes_are_the_principal_components_of_photos_at_their_centroids(
    clusters: int, dimensions: int
) -> None:
    centroids = some_centroids(clusters, dimensions)
    photos = np.arange(1, clusters + 1)
    axes = main_axes(centroids, photos)
    repeated = np.repeat(centroids.astype(np.float64), photos, axis=0)
    values, vectors = np.linalg.eigh(np.cov(repeated.T, bias=True))
    for place in (0, 1):
        expected = vectors[:, -1 - place]
        assert abs(axes.directions[place] @ expected) == pytest.approx(1, abs=1e-5)
        assert axes.shares[place] == pytest.approx(values[-1 - place] / values.sum())
    assert axes.origin == pytest.approx(axes.directions @ repeated.mean(axis=0), abs=1e-5)


def test_an_axis_points_the_same_way_every_time() -> None:
    centroids = some_centroids(6, 10)
    photos = np.ones(6, dtype=np.int64)
    directions = main_axes(centroids, photos).directions
    assert (directions[np.arange(2), np.abs(directions).argmax(axis=1)] > 0).all()
    assert main_axes(-centroids, photos).directions == pytest.approx(directions, abs=1e-5)


def test_two_clusters_differ_in_one_direction() -> None:
    axes = main_axes(np.array([[0, 0, 0], [0, 3, 4]], dtype=np.float32), np.array([1, 3]))
    assert axes.directions == pytest.approx(np.array([[0, 0.6, 0.8]]), abs=1e-6)
    assert axes.shares == pytest.approx([1])
    assert axes.origin == pytest.approx([3.75])


def test_many_clusters_on_a_line_differ_in_one_direction() -> None:
    line = np.outer(np.arange(9), [1, 2, 2]).astype(np.float32)
    assert len(main_axes(line, np.ones(9, dtype=np.int64)).shares) == 1
    in_one_dimension = np.arange(4, dtype=np.float32)[:, None]
    assert main_axes(in_one_dimension, np.ones(4, dtype=np.int64)).directions.tolist() == [[1]]


@pytest.mark.parametrize("clusters", [1, 3, 7, 50])
def test_centroids_that_are_all_the_same_have_no_axis(clusters: int) -> None:
    """Though rounding puts their mean a little beside them."""
    alike = np.full((clusters, 5), 0.4472136, dtype=np.float32)
    assert len(main_axes(alike, np.arange(clusters) * 7 + 1).shares) == 0


def test_empty_clusters_do_not_break_the_average() -> None:
    axes = main_axes(some_centroids(3, 4), np.zeros(3, dtype=np.int64))
    assert np.isfinite(axes.origin).all()


def exact_distances(centroids: np.ndarray, metric: str) -> np.ndarray:
    rows = centroids.astype(np.float64)
    if metric == "l2":
        return np.asarray(np.linalg.norm(rows[:, None] - rows[None], axis=2))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(1 - rows @ rows.T)


@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize("at_once", [1, 100, 1_000_000])
def test_neighbours_are_the_nearest_others(
    metric: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geometry, "_PAIRS_AT_ONCE", at_once)
    centroids = some_centroids(30, 8)
    places, distances = nearest_others(centroids, metric, 3)
    exact = exact_distances(centroids, metric)
    np.fill_diagonal(exact, np.inf)
    assert (places == np.argsort(exact, axis=1)[:, :3]).all()
    assert distances == pytest.approx(np.sort(exact, axis=1)[:, :3], abs=1e-6)


def test_fewer_others_than_asked_for() -> None:
    places, distances = nearest_others(some_centroids(2, 3), "l2", 3)
    assert places.tolist() == [[1], [0]]
    assert distances.shape == (2, 1)
    assert nearest_others(some_centroids(1, 3), "l2", 3)[0].shape == (1, 0)


def test_of_clusters_at_one_place_each_is_the_other_s_neighbour() -> None:
    places, distances = nearest_others(np.ones((2, 4), dtype=np.float32), "cosine", 1)
    assert (places.tolist(), distances.tolist()) == ([[1], [0]], [[0], [0]])


def test_a_centroid_without_direction_is_no_number_to_fear() -> None:
    centroids = np.array([[0, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert np.isfinite(nearest_others(centroids, "cosine", 2)[1]).all()
