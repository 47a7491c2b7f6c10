"""The rules for a second look: what they find, and what they leave in peace."""

from collections.abc import Sequence

import pytest

from fluffy_sql.operations.report.model import Cluster
from fluffy_sql.operations.report.second_look import second_looks
from tests.unit.report_helpers import a_cluster


def found(clusters: Sequence[Cluster]) -> list[tuple[str, tuple[int, ...]]]:
    return [(look.kind, look.cluster_ids) for look in second_looks(clusters)]


def with_means(*means: float) -> list[Cluster]:
    return [a_cluster(index, mean=mean) for index, mean in enumerate(means, start=1)]


def with_sizes(*sizes: int) -> list[Cluster]:
    return [a_cluster(index, photos=size) for index, size in enumerate(sizes, start=1)]


# Too wide


def test_a_cluster_far_wider_than_the_others_is_found() -> None:
    clusters = with_means(0.10, 0.11, 0.09, 0.10, 0.12, 0.30)
    assert found(clusters) == [("too wide", (6,))]
    [look] = second_looks(clusters)
    assert look.reason == (
        "Its photos lie 0.3000 from the centroid on average;"
        " half of the clusters stay within 0.1050."
    )


def test_the_widest_of_an_even_spread_is_not_too_wide() -> None:
    assert found(with_means(0.05, 0.07, 0.09, 0.11, 0.13, 0.15)) == []


def test_a_difference_that_nobody_sees_is_none() -> None:
    """All but one are the same, so that any difference is many deviations."""
    assert found(with_means(0.10, 0.10, 0.10, 0.10, 0.10, 0.11)) == []
    assert found(with_means(0.10, 0.10, 0.10, 0.10, 0.10, 0.13)) == [("too wide", (6,))]


def test_a_tight_cluster_is_a_good_one() -> None:
    assert found(with_means(0.10, 0.11, 0.09, 0.10, 0.12, 0.001)) == []


def test_among_few_nothing_is_usual() -> None:
    assert found(with_means(0.1, 0.1, 0.1, 0.9)) == []
    assert found(with_sizes(100, 100, 100, 1)) == []


def test_clusters_without_distances_are_passed_over() -> None:
    clusters = [*with_means(0.10, 0.11, 0.09, 0.10, 0.30), a_cluster(9, mean=None)]
    assert found(clusters) == [("too wide", (5,)), ("not compared", (9,))]
    assert second_looks(clusters)[1].reason == (
        "10 photos without a distance to the centroid: with no embedding, one of another length,"
        " or one of zeros."
    )


def test_photos_that_are_all_the_same_are_not_wide() -> None:
    assert found(with_means(0.0, 0.0, 0.0, 0.0, 0.0)) == []


# Too small


def test_a_cluster_far_smaller_than_the_others_is_found() -> None:
    clusters = with_sizes(120, 110, 100, 100, 90, 19, 1)
    assert found(clusters) == [("too small", (7,)), ("too small", (6,))]
    looks = second_looks(clusters)
    assert looks[0].reason == "It has 1 photo; half of the clusters have 100 or more."
    assert looks[1].reason == "It has 19 photos; half of the clusters have 100 or more."


def test_a_fifth_of_the_usual_is_not_too_small() -> None:
    assert found(with_sizes(120, 110, 100, 100, 90, 20)) == []


# Empty


def test_empty_clusters_are_one_case() -> None:
    clusters = [*with_sizes(5, 5, 5, 5, 5), a_cluster(6, photos=0, mean=None)]
    assert found(clusters) == [("empty", (6,))]
    assert found([*clusters, a_cluster(7, photos=0, mean=None)]) == [("empty", (6, 7))]


def test_many_cases_of_one_kind_leave_room_for_another() -> None:
    few = [a_cluster(index, photos=index, mean=0.1) for index in range(1, 9)]
    usual = [a_cluster(index, photos=100, mean=0.1) for index in range(10, 30)]
    wide = [a_cluster(index, photos=100, mean=0.9) for index in (30, 31)]
    kinds = [kind for kind, _ in found([*few, *usual, *wide])]
    assert kinds == ["too wide", "too small"] * 2 + ["too small"] * 6


# Nearly the same


def test_two_that_lie_nearer_than_they_are_wide_are_found() -> None:
    clusters = [
        a_cluster(1, mean=0.1, near={2: 0.02, 3: 0.6}),
        a_cluster(2, mean=0.08, near={1: 0.02, 3: 0.6}),
        a_cluster(3, mean=0.1, near={1: 0.6, 2: 0.6}),
    ]
    assert found(clusters) == [("nearly the same", (1, 2))]
    [look] = second_looks(clusters)
    assert look.reason == (
        "Their centroids are 0.0200 apart, and their photos lie 0.0800 to 0.1000 from them on"
        " average."
    )


@pytest.mark.parametrize(
    ("metric", "mean", "apart", "alike"),
    [
        # 2 * sqrt(2 * 0.1) / sqrt(2 * 0.064) = 2.5
        ("cosine", 0.1, 0.0639, True),
        ("cosine", 0.1, 0.0641, False),
        # 2 * 5 / 4 = 2.5
        ("l2", 5.0, 3.99, True),
        ("l2", 5.0, 4.01, False),
    ],
)
def test_the_limit_is_the_same_in_either_metric(
    metric: str, mean: float, apart: float, *, alike: bool
) -> None:
    clusters = [
        a_cluster(1, mean=mean, near={2: apart}, metric=metric),
        a_cluster(2, mean=mean, near={1: apart}, metric=metric),
    ]
    assert bool(found(clusters)) is alike


def test_what_is_usual_in_a_library_is_not_pointed_out() -> None:
    """Each lies as near to its neighbours as any: the embeddings are like that."""
    apart = 0.05
    ring = [a_cluster(i, mean=0.1, near={(i + 1) % 8: apart, (i - 1) % 8: apart}) for i in range(8)]
    pair = [a_cluster(1, mean=0.1, near={2: apart}), a_cluster(2, mean=0.1, near={1: apart})]
    assert found(ring) == []
    assert found(pair) == [("nearly the same", (1, 2))]


def test_twins_are_found_where_every_cluster_has_one() -> None:
    pairs = [a_cluster(i, mean=0.1, near={i ^ 1: 0.001}) for i in range(12)]
    assert len(found(pairs)) == 6


def test_several_that_are_nearly_the_same_are_one_case() -> None:
    clusters = [
        a_cluster(1, mean=0.1, near={2: 0.02, 4: 0.9}),
        a_cluster(2, mean=0.1, near={1: 0.02, 3: 0.024}),
        a_cluster(3, mean=0.1, near={2: 0.024, 1: 0.9}),
        a_cluster(4, mean=0.1, near={5: 0.01}),
        a_cluster(5, mean=0.1, near={4: 0.01}),
    ]
    assert found(clusters) == [("nearly the same", (4, 5)), ("nearly the same", (1, 2, 3))]
    assert "0.0200 to 0.0240 apart" in second_looks(clusters)[1].reason


def test_clusters_at_one_place_are_the_same() -> None:
    clusters = [a_cluster(1, mean=0.0, near={2: 0.0}), a_cluster(2, mean=0.0, near={1: 0.0})]
    assert found(clusters) == [("nearly the same", (1, 2))]


def test_a_neighbour_without_distances_can_not_be_compared() -> None:
    clusters = [a_cluster(1, near={2: 0.001}), a_cluster(2, mean=None, near={1: 0.001})]
    assert found(clusters) == [("not compared", (2,))]
