"""How tight a cluster is, in a word."""

import pytest

from fluffy_sql.operations.report.model import Cluster, Neighbour, Photo, Shown
from fluffy_sql.operations.report.tightness import pull, reach, tightness, usual_width
from tests.unit.report_helpers import a_cluster, a_photo


def photos(section: str, number: int, *, near: int = 0) -> tuple[Photo, ...]:
    """Photos at a distance of 0.1, some of them nearly as near to cluster 2."""
    return tuple(
        a_photo(
            index,
            section=section,
            distance=0.1,
            elsewhere=Neighbour(2, 0.12 if index < near else 0.3),
        )
        for index in range(number)
    )


def word(cluster: Cluster, *shown: Photo) -> str | None:
    return tightness(Shown(cluster, shown), 0.1)


def test_what_is_usual_needs_a_few_clusters() -> None:
    clusters = [a_cluster(index, mean=index / 10) for index in range(1, 6)]
    assert usual_width(clusters) == pytest.approx(0.3)
    assert usual_width([*clusters[:4], a_cluster(5, mean=None)]) is None
    assert tightness(Shown(a_cluster(), ()), None) is None
    assert word(a_cluster(mean=None)) is None


def test_tight_up_to_the_usual_and_loose_beyond() -> None:
    assert word(a_cluster(mean=0.1)) == "tight"
    assert word(a_cluster(mean=0.1001)) == "loose"
    assert word(a_cluster(mean=9.0), *photos("central", 10)) == "loose"


def test_mixed_if_it_is_wide_and_many_photos_are_nearly_as_near_elsewhere() -> None:
    some = photos("central", 10, near=2)
    assert word(a_cluster(photos=10, mean=0.111), *some) == "mixed"
    assert word(a_cluster(photos=10, mean=0.109), *some) == "loose"
    assert word(a_cluster(photos=10, mean=0.111), *photos("central", 10, near=1)) == "loose"


def test_a_sample_stands_for_all_between() -> None:
    ends = (*photos("central", 10), *photos("outermost", 10, near=10))
    # 10 of 20 shown, but of 100 in all 80 are as the sample is.
    assert word(a_cluster(photos=100, mean=0.2), *ends, *photos("between", 10)) == "loose"
    assert word(a_cluster(photos=100, mean=0.2), *ends, *photos("between", 10, near=2)) == "mixed"


def test_where_a_photo_would_rather_be() -> None:
    def pulled(own: float | None, other: float) -> str:
        return pull(a_photo(1, distance=own, elsewhere=Neighbour(2, other)))

    assert pulled(0.2, 0.19) == "nearer to"
    assert pulled(0.2, 0.21) == "nearly as near to"
    assert (pulled(0.2, 0.23), pulled(None, 0.1), pull(a_photo(1))) == ("", "", "")


def test_a_distance_in_words() -> None:
    spread = a_cluster(mean=0.1).spread
    assert [reach(one, spread) for one in (0.08, 0.1, 0.2, None)] == [
        "close to the centroid",
        "at a usual distance",
        "far from the centroid",
        "",
    ]
