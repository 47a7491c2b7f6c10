"""Cells: how many candidates keep the recall, and when it is not worth it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fluffy_sql.algorithms.cells import (
    CELLS_OF_ROWS,
    LEAST_CENTROIDS,
    LEAST_RECALL,
    Cells,
    cell_centers,
    cells_about,
    cells_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    cells = cells_of(centroids, rows, np.random.default_rng(0))
    assert cells is not None
    return cells


def nearest(rows: Matrix, centroids: Matrix) -> NDArray[np.intp]:
    return np.asarray(((rows[:, None, :] - centroids[None]) ** 2).sum(axis=2).argmin(axis=1))


def recall(cells: Cells, centroids: Matrix, rows: Matrix) -> float:
    candidates = cells.candidates[nearest(rows, cells.centers)]
    return float(np.mean((candidates == nearest(rows, centroids)[:, None]).any(axis=1)))


def test_nearly_every_row_finds_its_nearest_centroid_among_the_candidates() -> None:
    centroids, rows = clustered(500, 4_000)
    cells = found(centroids, rows[:2_000])
    assert recall(cells, centroids, rows[:2_000]) >= 0.997
    assert recall(cells, centroids, rows[2_000:]) >= LEAST_RECALL


def test_a_row_is_compared_with_less_than_half_of_the_centroids() -> None:
    centroids, rows = clustered(500, 2_000)
    cells = found(centroids, rows)
    assert cells.candidates.dtype == np.int32
    assert len(cells.centers) + cells.candidates.shape[1] <= 250


def test_candidates_are_the_nearest_to_the_center_each_once() -> None:
    centroids, rows = clustered(400, 2_000)
    cells = found(centroids, rows)
    width = cells.candidates.shape[1]
    for center, candidates in zip(cells.centers, cells.candidates, strict=True):
        distances = ((centroids - center) ** 2).sum(axis=1)
        assert set(candidates) == set(np.argsort(distances, kind="stable")[:width])


def test_few_centroids_are_all_compared() -> None:
    centroids, rows = clustered(LEAST_CENTROIDS - 1, 1_000)
    assert cells_of(centroids, rows, np.random.default_rng(0)) is None


def test_where_cells_tell_nothing_all_are_compared() -> None:
    generator = np.random.default_rng(0)
    centroids = generator.normal(size=(300, 100)).astype(np.float32)
    rows = generator.normal(size=(1_000, 100)).astype(np.float32)
    assert cells_of(centroids, rows, generator) is None


def test_centroids_far_from_zero_are_told_apart() -> None:
    centroids, rows = clustered(500, 2_000)
    cells = found(centroids + 1_000, rows + 1_000)
    assert recall(cells, centroids + 1_000, rows + 1_000) >= LEAST_RECALL


def test_copies_of_few_points_make_no_cells_or_working_ones() -> None:
    points = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    centroids = np.repeat(points, 80, axis=0)
    cells = cells_of(centroids, points, np.random.default_rng(0))
    assert cells is None or recall(cells, centroids, points) == 1.0


def test_cells_that_were_made_for_other_centroids_keep_the_recall_with_more_candidates() -> None:
    centroids, rows = clustered(500, 4_000)
    centers = cell_centers(centroids, CELLS_OF_ROWS, np.random.default_rng(0))
    moved = (centroids + np.random.default_rng(1).normal(size=centroids.shape)).astype(np.float32)
    before = cells_about(centers, centroids, rows[:2_000])
    after = cells_about(centers, moved, rows[:2_000])
    assert recall(after, moved, rows[2_000:]) >= LEAST_RECALL
    assert after.candidates.shape[1] > before.candidates.shape[1]


def test_more_cells_need_fewer_candidates() -> None:
    centroids, rows = clustered(500, 4_000)
    generator = np.random.default_rng(0)
    widths = [
        cells_about(cell_centers(centroids, cells, generator), centroids, rows).candidates.shape[1]
        for cells in (1, CELLS_OF_ROWS)
    ]
    assert widths[1] < widths[0] / 2
