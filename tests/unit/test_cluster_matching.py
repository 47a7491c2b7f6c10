"""Matching: which new cluster is which old one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fluffy_sql.runs.cluster_matching import OldCluster, Overlap, match_clusters


def old_clusters(
    *photos: int, centroids: list[list[float] | None] | None = None
) -> list[OldCluster]:
    """Old clusters 101, 102, ... with so many photos."""
    given = centroids or [None] * len(photos)
    return [
        OldCluster(101 + i, None, count, None if place is None else np.array(place, np.float32))
        for i, (count, place) in enumerate(zip(photos, given, strict=True))
    ]


def shared(*rows: tuple[int, int | None, int]) -> list[Overlap]:
    return [Overlap(*row) for row in rows]


def match(
    rows: list[Overlap],
    old: list[OldCluster],
    centroids: list[list[float]] | None = None,
    k: int = 2,
    spread: float = 1.0,
) -> dict[int, int]:
    places = np.array(centroids or [[100.0 * i, 0.0] for i in range(k)], np.float32)
    return match_clusters(rows, places, [None] * len(places), spread, old)


def test_clusters_with_the_same_photos_are_the_same() -> None:
    rows = shared((0, 102, 10), (1, 101, 20))
    assert match(rows, old_clusters(20, 10)) == {0: 102, 1: 101}


def test_the_sum_of_shared_photos_is_largest() -> None:
    # Greedily 0 would take 101 (60), leaving nothing but 102 (5) for 1.
    rows = shared((0, 101, 60), (0, 102, 55), (1, 101, 55), (1, 102, 5))
    assert match(rows, old_clusters(115, 60)) == {0: 102, 1: 101}


def test_of_two_parts_the_larger_goes_on() -> None:
    rows = shared((0, 101, 40), (1, 101, 60))
    assert match(rows, old_clusters(100)) == {1: 101}


def test_of_two_that_become_one_the_larger_goes_on() -> None:
    rows = shared((0, 101, 40), (0, 102, 60))
    assert match(rows, old_clusters(40, 60), k=1) == {0: 102}


def test_a_few_photos_in_common_are_not_enough() -> None:
    rows = shared((0, 101, 49), (0, None, 51))
    assert match(rows, old_clusters(100), k=1) == {}
    rows = shared((0, 101, 50), (0, None, 50))
    assert match(rows, old_clusters(100), k=1) == {0: 101}


def test_a_small_cluster_that_is_swallowed_does_not_name_the_large_one() -> None:
    """Unless there is no other it could go on as."""
    rows = shared((0, 101, 5), (0, 102, 90), (1, 103, 30))
    assert match(rows, old_clusters(5, 90, 30)) == {0: 102, 1: 103}


def test_an_empty_cluster_goes_on_where_its_centroid_is() -> None:
    rows = shared((0, None, 10), (1, 102, 10))
    old = old_clusters(0, 10, 0, centroids=[[0.5, 0], [100, 0], [0.9, 0]])
    assert match(rows, old) == {0: 101, 1: 102}


def test_an_empty_cluster_far_away_does_not_go_on() -> None:
    old = old_clusters(0, centroids=[[1.5, 0]])
    assert match(shared((0, None, 10)), old, k=1) == {}
    assert match(shared((0, None, 10)), old, k=1, spread=2) == {0: 101}


def test_what_is_split_off_brings_an_empty_cluster_back() -> None:
    rows = shared((0, 102, 60), (1, 102, 40))
    assert match(rows, old_clusters(0, 100, centroids=[[100.5, 0], None])) == {0: 102, 1: 101}


def test_what_continues_a_cluster_brings_no_other_back() -> None:
    rows = shared((0, 102, 100))
    assert match(rows, old_clusters(0, 100, centroids=[[0, 0], None]), k=1) == {0: 102}


def test_an_empty_cluster_of_another_length_does_not_go_on() -> None:
    old = old_clusters(0, 0, centroids=[[0, 0, 0], None])
    assert match(shared((0, None, 10)), old, k=1) == {}


@given(st.data(), st.integers(1, 6), st.integers(1, 6))
def test_no_cluster_is_matched_twice(data: st.DataObject, k: int, olds: int) -> None:
    counts = data.draw(st.lists(st.integers(0, 9), min_size=k * olds, max_size=k * olds))
    rows = [Overlap(i // olds, 101 + i % olds, count) for i, count in enumerate(counts) if count]
    sizes = [sum(counts[i] for i in range(column, k * olds, olds)) for column in range(olds)]
    places: list[list[float] | None] = [[float(i), 0.0] for i in range(olds)]
    found = match(rows, old_clusters(*sizes, centroids=places), k=k)
    assert len(set(found.values())) == len(found)
    assert set(found) <= set(range(k))
