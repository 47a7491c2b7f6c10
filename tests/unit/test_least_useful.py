"""Which centroids breathing k-means takes away."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluffy_sql.kmeans.refine import centroids_to_remove

# On a line, far from each other.
APART = [[100.0 * i, 0.0] for i in range(8)]


def picked(centroids: list[list[float]], utilities: list[float], most: int) -> list[int]:
    return centroids_to_remove(np.array(centroids, dtype=np.float32), np.array(utilities), most)


def test_those_of_least_utility_go_first() -> None:
    # No two are nearer than the others: all are as far from each other.
    corners = np.eye(6).tolist()
    assert picked(corners, [5, 1, 4, 0, 3, 2], 1) == [3]
    # The last ones of a line that gets sparser have no neighbours near enough to be spared.
    spread = [[2.0**i, 0.0] for i in range(12)]
    assert picked(spread, [9, 9, 9, 9, 9, 9, 9, 9, 9, 1, 9, 0], 2) == [11, 9]


def test_of_two_neighbours_only_one_goes_while_others_remain() -> None:
    pair = [*APART, [0.0, 1.0]]  # the last lies beside the first
    utilities = [0.0, 9, 8, 7, 6, 5, 4, 3, 0.1]
    for most in range(1, 8):
        assert 0 in picked(pair, utilities, most)
        assert 8 not in picked(pair, utilities, most)


def test_neighbours_go_too_where_nothing_else_is_left() -> None:
    pair = [[0.0, 0.0], [0.0, 1.0], [50.0, 0.0]]
    assert sorted(picked(pair, [0.0, 0.1, 9.0], 2)) in ([0, 1], [0, 2])
    assert len(picked([[0.0], [1.0], [2.0]], [0.0, 0.1, 0.2], 2)) == 2


def test_the_lower_number_goes_first_among_equals() -> None:
    spread = [[2.0**i, 0.0] for i in range(12)]
    assert picked(spread, [1.0] * 12, 1) == [0]


@pytest.mark.parametrize("copies", [2, 5])
def test_copies_of_a_centroid_can_all_be_weighed(copies: int) -> None:
    assert len(picked([[1.0, 2.0]] * copies, [0.0] * copies, copies - 1)) == copies - 1


@given(
    k=st.integers(1, 40),
    share=st.floats(0, 1, exclude_max=True),
    seed=st.integers(0, 2**32),
    grid=st.integers(1, 30),
)
def test_as_many_go_as_are_asked_for_and_no_one_twice(
    k: int, share: float, seed: int, grid: int
) -> None:
    generator = np.random.default_rng(seed)
    # On a coarse grid some centroids coincide and many are neighbours.
    centroids = generator.integers(grid, size=(k, 2)).astype(np.float32)
    most = int(share * k)
    gone = centroids_to_remove(centroids, generator.random(k), most)
    assert len(gone) == len(set(gone)) == most
    assert set(gone) <= set(range(k))


def test_more_centroids_than_are_compared_at_once_are_compared_with_all() -> None:
    """Pairs that lie in different blocks are neighbours too."""
    many = 600
    centroids = np.zeros((many, 2), dtype=np.float32)
    centroids[:, 0] = 10 * (np.arange(many) % 300 % 20)
    centroids[:, 1] = 10 * (np.arange(many) % 300 // 20)
    centroids[300:, 1] += 1
    # Ranked by utility, the two of a pair come one after the other.
    utilities = np.arange(many) % 300 + 0.5 * (np.arange(many) >= 300)
    gone = centroids_to_remove(centroids, utilities, 300)
    assert sorted(label % 300 for label in gone) == list(range(300))
