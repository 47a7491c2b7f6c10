"""The search for a start: as good as a good k-means, and sound on awkward rows."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from fluffy_sql.kmeans.projection import fit_projection, identity_projection
from fluffy_sql.kmeans.search import Found, Search
from fluffy_sql.kmeans.settings import KMeansSettings

Rows = NDArray[np.float32]


def search_over(rows: Rows, *, normalize: bool = False, **settings: Any) -> Search:
    return Search(
        rows.copy(),
        identity_projection(rows.shape[1]),
        KMeansSettings(**settings),
        normalize=normalize,
        generator=np.random.default_rng(1),
    )


def found_in(rows: Rows, k: int, *, normalize: bool = False, seed: int = 0) -> Found:
    search = search_over(rows, normalize=normalize)
    return search.refine(search.rank(search.seed(k, np.random.default_rng(seed))), 10**8)


def themes(offset: float = 0.0, rows: int = 1_500) -> Rows:
    generator = np.random.default_rng(7)
    centers = generator.normal(size=(60, 12))
    noise = 0.4 * generator.normal(size=(rows, 12))
    found: Rows = (centers[generator.integers(60, size=rows)] + noise + offset).astype(np.float32)
    return found


def as_set(rows: Rows) -> set[tuple[float, ...]]:
    return {tuple(row) for row in rows.tolist()}


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_it_ends_as_low_as_the_best_of_ten(offset: float) -> None:
    rows = themes(offset)
    best = KMeans(40, n_init=10, random_state=0).fit(rows - offset).inertia_
    assert found_in(rows, 40).inertia <= 1.01 * best


def test_unit_vectors_have_unit_centroids() -> None:
    rows = themes()
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = found_in(rows, 20, normalize=True).centroids
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)


def test_centroids_lie_on_the_span() -> None:
    wide = np.random.default_rng(3).normal(size=(900, 200)).astype(np.float32)
    directions = fit_projection(wide, centered=True, generator=np.random.default_rng(0))
    search = Search(
        directions.project(wide),
        directions,
        KMeansSettings(),
        normalize=False,
        generator=np.random.default_rng(1),
    )
    seeds = search.seed(9, np.random.default_rng(0))
    found = search.refine(search.rank(seeds), 10**8).centroids
    assert not seeds[:, -1].any()
    assert not found[:, -1].any()


@pytest.mark.parametrize("given", [1, 7, 20, 33, 90])
def test_any_number_of_centroids_becomes_as_many_as_wanted(given: int) -> None:
    rows = themes()
    found = search_over(rows).resize(rows[:given], 20)
    assert len(as_set(found.centroids)) == 20
    assert found.inertia < 1.2 * found_in(rows, 20).inertia


@pytest.mark.parametrize("value", [0.0, 0.1, -1e4])
def test_copies_are_not_split(value: float) -> None:
    rows = np.full((30, 5), value, dtype=np.float32)
    one, search = rows[:1].copy(), search_over(rows)
    assert len(search.resize(one, 4).centroids) == 1
    assert search.refine(Found(one, 0.0), 10**8).centroids.tolist() == one.tolist()


def test_an_emptied_centroid_gets_a_row_of_the_worst_cluster() -> None:
    rows = np.array([[0, 0], [0, 0], [0, 0], [9, 0], [9, 4]], dtype=np.float32)
    centroids = np.array([[0, 0], [9, 2], [500, 500]], dtype=np.float32)
    assert search_over(rows).rank(centroids).inertia == 0


def test_splits_are_rows_off_the_centroids_of_the_clusters_with_the_largest_errors() -> None:
    rows = np.array([[0, 0], [1, 0], [3, 0], [50, 0], [59, 0], [90, 0]], dtype=np.float32)
    centroids = np.array([[0, 0], [50, 0], [90, 0]], dtype=np.float32)
    search = search_over(rows)

    def drawn(most: int, seed: int) -> list[list[float]]:
        generator = np.random.default_rng(seed)
        errors, counts = np.array([10.0, 81.0, 0.0]), np.array([3, 2, 1])
        found: list[list[float]] = search.draw_splits(
            centroids, errors, counts, most, generator
        ).tolist()
        return found

    assert drawn(1, 0) == [[59, 0]]
    both = [drawn(3, seed) for seed in range(60)]
    assert both == [drawn(3, seed) for seed in range(60)]
    assert {row[0] for row, _ in (pair[::-1] for pair in both)} == {1, 3}
    assert 0 < sum(pair[1] == [1, 0] for pair in both) < 20  # the weights are 1 and 9


def test_it_stops_when_it_has_compared_enough() -> None:
    rows = themes()
    search = search_over(rows)
    ranked = search.rank(search.seed(20, np.random.default_rng(0)))
    assert search.refine(ranked, search.pairs) is ranked
