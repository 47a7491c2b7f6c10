"""The assignment problem is solved as SciPy solves it, to the pair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from fluffy_sql.runs.assignment import assign

SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=8)


def assign_by_scipy(gains: NDArray[np.float64]) -> list[tuple[int, int]]:
    rows, columns = linear_sum_assignment(gains, maximize=True)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


@settings(max_examples=500)
@given(
    gains=arrays(np.float64, SHAPES, elements=st.integers(0, 3).map(float))
    | arrays(np.float64, SHAPES, elements=st.floats(0, 2, width=32))
)
def test_pairs_are_those_of_scipy_also_if_several_sums_are_equal(
    gains: NDArray[np.float64],
) -> None:
    assert assign(gains) == assign_by_scipy(gains)


@pytest.mark.parametrize("shape", [(150, 150), (90, 150), (150, 90)])
@pytest.mark.parametrize("density", [0.02, 1.0])
def test_so_they_are_of_many_clusters(shape: tuple[int, int], density: float) -> None:
    generator = np.random.default_rng(0)
    gains = generator.integers(0, 500, shape) * (generator.random(shape) < density).astype(float)
    assert assign(gains) == assign_by_scipy(gains)
