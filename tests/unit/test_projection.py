"""The main directions: distances are kept, rows are short, and centroids find their way back."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fluffy_sql.kmeans.projection import MOST_DIRECTIONS, Projection, fit_projection

Matrix = NDArray[np.float32]

DIMENSIONS = 300


def made_rows(rows: int = 600, *, offset: float = 0) -> Matrix:
    """Rows that spread less and less from dimension to dimension, turned about."""
    generator = np.random.default_rng(1)
    spread = np.arange(1, DIMENSIONS + 1) ** -0.7
    turn = np.linalg.qr(generator.normal(size=(DIMENSIONS, DIMENSIONS)))[0]
    made = (generator.normal(size=(rows, DIMENSIONS)) * spread) @ turn + offset
    return np.asarray(made, dtype=np.float32)


def directions(rows: Matrix, *, centered: bool = True) -> Projection:
    return fit_projection(rows, centered=centered, generator=np.random.default_rng(0))


def kept(found: Projection, rows: Matrix) -> float:
    """Share of the squares that lies in the span."""
    coordinates = found.project(rows)[:, :-1]
    return float((coordinates**2).sum() / ((rows - found.origin) ** 2).sum())


def test_short_rows_are_used_as_they_are() -> None:
    rows = made_rows()[:, : MOST_DIRECTIONS + 1]
    found = directions(rows)
    assert not found.reduced
    assert found.project(rows) is rows
    assert found.onto_span(rows) is rows
    assert found.restore(rows) is rows


def test_axes_are_orthonormal() -> None:
    axes = directions(made_rows()).axes
    assert axes.shape == (MOST_DIRECTIONS, DIMENSIONS)
    assert axes @ axes.T == pytest.approx(np.eye(MOST_DIRECTIONS), abs=1e-5)


@pytest.mark.parametrize("centered", [True, False])
def test_they_keep_as_much_as_the_best_do(centered: bool) -> None:
    rows = made_rows()
    singular = np.linalg.svd(rows - rows.mean(axis=0) * centered, compute_uv=False)
    best = float((singular[:MOST_DIRECTIONS] ** 2).sum() / (singular**2).sum())
    assert 0.995 * best < kept(directions(rows, centered=centered), rows) <= best + 1e-4


def test_distances_to_centroids_in_the_span_are_those_in_all_dimensions() -> None:
    rows = made_rows(offset=50)
    found = directions(rows)
    sample = found.project(rows)
    centroids = found.onto_span(sample[:5])
    whole = found.restore(centroids)
    for centroid, restored in zip(centroids, whole, strict=True):
        short = np.linalg.norm(sample - centroid, axis=1)
        assert short == pytest.approx(np.linalg.norm(rows - restored, axis=1), rel=1e-3)


def test_far_from_zero_only_centered_directions_see_the_differences() -> None:
    rows = made_rows(offset=50)
    assert kept(directions(rows), rows) == pytest.approx(
        kept(directions(made_rows()), made_rows()), abs=0.01
    )
    assert np.all(directions(rows, centered=False).origin == 0)


def test_putting_rows_onto_the_span_leaves_the_rows_alone() -> None:
    rows = made_rows()
    found = directions(rows)
    sample = found.project(rows)
    before = sample.copy()
    assert np.all(found.onto_span(sample)[:, -1] == 0)
    assert np.array_equal(sample, before)


def test_fewer_rows_than_directions_span_themselves() -> None:
    rows = made_rows(rows=20)
    found = directions(rows)
    assert found.project(rows)[:, -1] == pytest.approx(np.zeros(20), abs=1e-2)


def test_the_same_chance_gives_the_same_directions() -> None:
    rows = made_rows()
    assert np.array_equal(directions(rows).axes, directions(rows).axes)
