"""Cells: how many candidates keep the recall, and when it is not worth it."""

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.kmeans.nearest.cells import Cells, candidates_about, cells_of, nearest
from fluffy_sql.kmeans.tuning import LEAST_RECALL

Matrix = NDArray[np.float32]


def clustered(k: int, rows: int, *, spread: float = 0.3) -> tuple[Matrix, Matrix]:
    """Centroids in 20 families, and rows about them."""
    generator = np.random.default_rng(k)
    families = generator.normal(size=(20, 8))
    centroids = families[generator.integers(20, size=k)] + 0.5 * generator.normal(size=(k, 8))
    about = centroids[generator.integers(k, size=rows)]
    made = about + spread * generator.normal(size=(rows, 8))
    return centroids.astype(np.float32), made.astype(np.float32)


def found(centroids: Matrix, rows: Matrix) -> Cells:
    cells = cells_of(centroids, rows, np.random.default_rng(0), LEAST_RECALL)
    assert cells is not None
    return cells


def by_distance(rows: Matrix, centroids: Matrix) -> NDArray[np.intp]:
    """Places of all centroids, the nearest first; shape (n, k)."""
    return np.asarray(((rows[:, None, :] - centroids[None]) ** 2).sum(axis=2).argsort(axis=1))


def recall(cells: Cells, centroids: Matrix, rows: Matrix) -> float:
    candidates = cells.candidates[by_distance(rows, cells.centers)[:, :2]]
    own = by_distance(rows, centroids)[:, 0]
    return float(np.mean((candidates == own[:, None, None]).any(axis=(1, 2))))


def test_nearly_every_row_finds_its_nearest_centroid_among_the_candidates() -> None:
    centroids, rows = clustered(500, 4_000)
    cells = found(centroids, rows[:2_000])
    assert recall(cells, centroids, rows) >= LEAST_RECALL


def test_a_row_is_compared_with_less_than_half_of_the_centroids() -> None:
    centroids, rows = clustered(600, 2_000)
    cells = found(centroids, rows)
    assert cells.candidates.dtype == np.int32
    assert len(cells.centers) + 2 * cells.candidates.shape[1] <= 300


def test_candidates_are_the_nearest_to_the_center_each_once() -> None:
    centroids, rows = clustered(400, 2_000)
    cells = found(centroids, rows)
    width = cells.candidates.shape[1]
    order = by_distance(cells.centers, centroids)
    for candidates, nearest_first in zip(cells.candidates, order, strict=True):
        assert set(candidates) == set(nearest_first[:width])


def test_around_where_a_row_was_there_are_so_many_or_all_centroids() -> None:
    centroids, rows = clustered(40, 500)
    cells = nearest(rows, centroids)[:, None]
    for width, expected in ((8, 8), (40, 40), (64, 40)):
        around = candidates_about(
            centroids, centroids, cells, cells[:, 0], widths=[width], least_recall=1
        )
        assert around is not None
        assert around.shape == (40, expected)
        assert (around == np.arange(40)[:, None]).any(axis=1).all()


def test_where_too_few_rows_find_their_own_there_are_no_candidates() -> None:
    centroids, rows = clustered(40, 500)
    own = nearest(rows, centroids)
    lost = own.copy()
    lost[:10] = (own[:10] + 20) % 40  # one in fifty looks in a wrong place
    far = [
        candidates_about(centroids, centroids, lost[:, None], own, widths=[1], least_recall=least)
        for least in (0.98, 0.981)
    ]
    assert far[0] is not None
    assert far[1] is None


def test_a_row_that_looks_in_two_places_may_find_its_own_in_either() -> None:
    centroids, rows = clustered(40, 500)
    own = nearest(rows, centroids)
    both = np.stack([(own + 20) % 40, own], axis=1)
    for cells in (both, both[:, ::-1]):
        found = candidates_about(centroids, centroids, cells, own, widths=[1], least_recall=1)
        assert found is not None


def test_where_cells_tell_nothing_all_are_compared() -> None:
    generator = np.random.default_rng(0)
    centroids = generator.normal(size=(300, 100)).astype(np.float32)
    rows = generator.normal(size=(1_000, 100)).astype(np.float32)
    assert cells_of(centroids, rows, generator, LEAST_RECALL) is None


def test_centroids_far_from_zero_are_told_apart() -> None:
    centroids, rows = clustered(500, 2_000)
    cells = found(centroids + 1_000, rows + 1_000)
    assert recall(cells, centroids + 1_000, rows + 1_000) >= LEAST_RECALL


def test_copies_of_few_points_make_no_cells_or_working_ones() -> None:
    points = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    centroids = np.repeat(points, 80, axis=0)
    cells = cells_of(centroids, points, np.random.default_rng(0), LEAST_RECALL)
    assert cells is None or recall(cells, centroids, points) == 1.0


def test_where_the_first_number_of_candidates_would_not_do_there_are_more() -> None:
    centroids, rows = clustered(40, 500)
    own = nearest(rows, centroids)
    second = by_distance(centroids, centroids)[own, 1]
    found = candidates_about(
        centroids, centroids, second[:, None], own, widths=[1, 8, 40], least_recall=0.9
    )
    assert found is not None
    assert found.shape == (40, 8)
