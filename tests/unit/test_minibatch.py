"""Schedule: when a batch grows, when a descent ends, and how rows are cut into ranges."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluffy_sql.kmeans.minibatch import first_batch_size, has_converged, has_settled
from fluffy_sql.postgres.ranges import row_ranges

COUNTS = st.integers(1, 100_000)


def settled(movement: list[float], errors: list[float], rows: list[int]) -> bool:
    return has_settled(np.array(movement), np.array(errors), np.array(rows, dtype=np.int64))


@pytest.mark.parametrize(
    ("movement", "errors", "rows", "expected"),
    [
        # The standard error of a mean of 5 rows with squared distances of 20 in all is 1.
        ([1.0], [20.0], [5], True),
        ([1.001], [20.0], [5], False),
        ([0.999], [20.0], [5], True),
        # The same spread over more rows is known better.
        ([1.0], [200.0], [50], False),
        # All clusters together: a restless one does not hold up a calm one, nor the reverse.
        ([1.3, 0.1], [20.0, 20.0], [5, 5], True),
        ([1.5, 0.1], [20.0, 20.0], [5, 5], False),
        # One row tells nothing of its spread, and none less: both only count as movement.
        ([0.0, 0.9], [0.0, 20.0], [1, 5], True),
        ([0.9, 0.9], [0.0, 20.0], [1, 5], False),
        ([0.0, 0.9], [0.0, 20.0], [0, 5], True),
        # At rest it has settled, even where rows lie on their centroids.
        ([0.0], [0.0], [5], True),
        ([0.0], [0.0], [1], True),
        ([1e-9], [0.0], [5], False),
    ],
)
def test_settled_is_movement_within_the_standard_error_of_the_means(
    movement: list[float], errors: list[float], rows: list[int], *, expected: bool
) -> None:
    assert settled(movement, errors, rows) is expected


def test_settled_does_not_overflow_with_many_rows() -> None:
    assert settled([1.0], [5e19], [5_000_000_000])
    assert not settled([2.0], [5e19], [5_000_000_000])


@pytest.mark.parametrize(
    ("previous", "inertia", "tolerance", "expected"),
    [
        (math.inf, 100.0, 0.5, False),  # the first step has nothing to be compared with
        (101.0, 100.0, 0.01, True),
        (101.005, 100.0, 0.01, False),
        (100.0, 100.0, 0.0, True),
        (100.0 + 1e-9, 100.0, 0.0, False),
        (99.0, 100.0, 0.0, True),  # it rose, by rounding
        (0.0, 0.0, 0.0, True),
        (1.0, 0.0, 0.5, False),
    ],
)
def test_converged_is_a_gain_of_no_more_than_the_tolerance(
    previous: float, inertia: float, tolerance: float, *, expected: bool
) -> None:
    assert has_converged(previous, inertia, tolerance) is expected


@given(rows=COUNTS, most=st.integers(1, 100), about=st.integers(1, 5_000))
def test_ranges_hold_every_row_once(rows: int, most: int, about: int) -> None:
    ranges = row_ranges(rows, most, about)
    assert ranges[0][0] == 0
    assert ranges[-1][1] == rows
    assert all(before[1] == after[0] for before, after in pairwise(ranges))
    assert all(after < last for after, last in ranges)


@given(rows=COUNTS, most=st.integers(1, 100), about=st.integers(1, 5_000))
def test_ranges_are_few_large_and_alike(rows: int, most: int, about: int) -> None:
    lengths = [last - after for after, last in row_ranges(rows, most, about)]
    assert len(lengths) == min(most, math.ceil(rows / about))
    assert max(lengths) - min(lengths) <= 1
    assert len(lengths) == most or max(lengths) <= about


@pytest.mark.parametrize(
    ("rows", "most", "about", "expected"),
    [
        (10, 3, 1, [(0, 3), (3, 6), (6, 10)]),
        (10, 8, 5, [(0, 5), (5, 10)]),
        (10, 8, 6, [(0, 5), (5, 10)]),
        (10, 8, 10, [(0, 10)]),
        (3, 8, 512, [(0, 3)]),
        (8192, 4, 512, [(0, 2048), (2048, 4096), (4096, 6144), (6144, 8192)]),
    ],
)
def test_ranges_are_cut_by_numbers_alone(
    rows: int, most: int, about: int, expected: list[tuple[int, int]]
) -> None:
    """Another cut would add floats in another order, and give a seed another result."""
    assert row_ranges(rows, most, about) == expected


@pytest.mark.parametrize(
    ("k", "most", "sample_size", "expected"),
    [
        (2, 8_192, 10_000, 1_024),  # never so few that seedings look alike by chance
        (20, 8_192, 10_000, 8_000),  # 400 a cluster
        (100, 8_192, 50_000, 8_192),  # the setting
        (1_000, 8_192, 50_000, 16_000),  # but 16 a cluster, whatever the setting
        (1_000, 8_192, 5_000, 5_000),  # and never more than there are
        (20, 1, 10_000, 320),
    ],
)
def test_the_first_batch_is_large_enough_for_k_and_no_larger(
    k: int, most: int, sample_size: int, expected: int
) -> None:
    assert first_batch_size(k, most, sample_size) == expected
