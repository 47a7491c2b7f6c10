"""Where the marks of the charts go."""

import re
from collections.abc import Collection, Sequence

import numpy as np
import pytest

from fluffy_sql.operations.report.charts import (
    HEIGHT,
    WIDTH,
    MapChart,
    chart_of_distances,
    chart_of_map,
    chart_of_sizes,
)
from fluffy_sql.operations.report.model import Comparable, LibraryMap
from tests.unit.report_helpers import a_cluster

NUMBER = r"-?\d+(?:\.\d+)?"


def strokes(path: str) -> list[tuple[float, float, float]]:
    """Each stroke's x, and where it begins and ends."""
    found = re.findall(rf"M({NUMBER}) ({NUMBER})V({NUMBER})", path)
    assert path == "".join("M{} {}V{}".format(*one) for one in found)
    return [(float(x), float(low), float(high)) for x, low, high in found]


def dots(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(rf"M({NUMBER}) ({NUMBER})h0", path)]


# Sizes and distances


def test_bars_are_as_long_as_clusters_are_large() -> None:
    chart = chart_of_sizes([a_cluster(1, photos=40), a_cluster(2, photos=10)], {2})
    [(x, bottom, top)] = strokes(chart.bars)
    [(marked_x, _, marked_top)] = strokes(chart.marked)
    assert x < marked_x
    assert bottom - top == pytest.approx(4 * (bottom - marked_top), abs=0.5)
    assert [tick.label for tick in chart.ticks] == ["0", "10", "20", "30", "40"]
    assert chart.ticks[0].y == bottom
    assert chart.ticks[-1].y == top
    assert chart.told == (
        "The largest cluster has 40 photos, the smallest 10 photos; half have 25 or more."
    )


@pytest.mark.parametrize("sizes", [[0], [1], [3, 1], [9_999_999, 1], [7] * 5_000])
def test_every_mark_is_inside_the_chart(sizes: Sequence[int]) -> None:
    clusters = [a_cluster(index, photos=size) for index, size in enumerate(sizes)]
    chart = chart_of_sizes(clusters, ())
    assert len(strokes(chart.bars)) == len(sizes)
    for x, low, high in strokes(chart.bars):
        assert x - chart.thickness / 2 > 0
        assert x + chart.thickness / 2 < WIDTH
        assert 0 < high <= low < HEIGHT
    assert 2 <= len(chart.ticks) <= 7
    assert len({tick.label for tick in chart.ticks}) == len(chart.ticks)


def test_the_tightest_comes_first_and_lines_reach_the_farthest() -> None:
    clusters = [a_cluster(1, mean=0.2), a_cluster(2, mean=0.1), a_cluster(3, mean=None)]
    chart = chart_of_distances(clusters, {1})
    assert chart is not None
    [(tight_x, _, tight_top)] = strokes(chart.bars)
    [(wide_x, _, wide_top)] = strokes(chart.marked)
    assert tight_x < wide_x
    assert wide_top < tight_top
    assert [tick.label for tick in chart.ticks] == ["0", "0.1", "0.2", "0.3", "0.4"]
    assert strokes(chart.ranges)[1][2] == pytest.approx(chart.ticks[-1].y, abs=0.1)
    assert "0.1000 in the tightest cluster and 0.2000 in the widest" in chart.told


def test_without_distances_there_is_no_chart_of_them() -> None:
    assert chart_of_distances([a_cluster(1, mean=None)], ()) is None


def test_distances_that_are_all_zero_can_be_drawn() -> None:
    assert chart_of_distances([a_cluster(1, mean=0.0)], ()) is not None


@pytest.mark.parametrize("mean", [1e-7, 0.003, 4.0, 123_456.0])
def test_ticks_are_few_and_differ_whatever_the_scale(mean: float) -> None:
    chart = chart_of_distances([a_cluster(1, mean=mean)], ())
    assert chart is not None
    assert 4 <= len({tick.label for tick in chart.ticks}) <= 7


# The map


def a_map(
    places: Sequence[tuple[float, float]],
    photos: Sequence[tuple[int, float, float]] = (),
    *,
    shares: tuple[float, ...] = (0.5, 0.25),
    pictured: Collection[int] | None = None,
) -> MapChart:
    """The map of clusters 1, 2, ... at these places; all have a picture unless it is said which."""
    clusters = tuple(a_cluster(index) for index in range(1, len(places) + 1))
    library_map = LibraryMap(
        centroids=np.array(places, dtype=np.float64),
        photos=np.array([place for _, *place in photos], dtype=np.float64).reshape(-1, 2),
        cluster_ids=[cluster_id for cluster_id, *_ in photos],
        shares=shares,
    )
    group = Comparable("cosine", 4, clusters, library_map)
    ids = {cluster.id for cluster in clusters} if pictured is None else pictured
    return chart_of_map(group, library_map, ids)


def test_up_is_up_and_right_is_right() -> None:
    chart = a_map([(-1, -1), (1, 1)])
    low, high = chart.pins
    assert (low.left, high.left) == (6, 94)
    assert (low.top, high.top) == (94, 6)


def test_photos_have_the_colour_of_their_cluster() -> None:
    places = [(float(i), 0.0) for i in range(11)]
    chart = a_map(places, [(i + 1, x, y) for i, (x, y) in enumerate(places)])
    assert [len(dots(path)) for path in chart.dots] == [3, 1, 1, 1, 1, 1, 1, 1, 1]
    assert [pin.colour for pin in chart.pins] == [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0]


def test_a_stray_photo_stays_on_the_map_and_squeezes_nobody() -> None:
    crowd = [(1, x, x) for x in np.linspace(-1, 1, 998)]
    chart = a_map([(-1, -1), (1, 1)], [*crowd, (1, 900.0, 0.0), (1, -900.0, 0.0)])
    at = [x for path in chart.dots for x, _ in dots(path)]
    assert (min(at), max(at)) == (6, 94)
    assert sum(20 < x < 80 for x in at) > 500


def test_pictures_do_not_hide_each_other() -> None:
    places = [(x, y) for x, y in np.random.default_rng(0).normal(size=(100, 2))]
    chart = a_map(places)
    pictures = [pin for pin in chart.pins if pin.pictured]
    assert 10 < len(pictures) <= 30
    assert len(chart.pins) > len(pictures)
    for pins, wide, tall in (
        (pictures, 5.8, 10.5),
        ([pin for pin in pictures if pin.on_phone], 15, 11.5),
    ):
        for index, pin in enumerate(pins):
            for other in pins[:index]:
                assert abs(pin.left - other.left) >= wide or abs(pin.top - other.top) >= tall
    # Who has neither picture nor number has a dot.
    assert len(dots(chart.centers)) + len(chart.pins) == 100
    assert len({pin.cluster.id for pin in chart.pins}) == len(chart.pins)


def test_of_very_many_clusters_the_largest_have_rings() -> None:
    places = [(x, y) for x, y in np.random.default_rng(0).normal(size=(1_000, 2))]
    assert len(dots(a_map(places, pictured=()).centers)) == 150


def test_only_what_the_page_shows_is_pinned() -> None:
    chart = a_map([(0, 0), (1, 1)], pictured={2})
    assert [pin.cluster.id for pin in chart.pins] == [2]
    assert len(dots(chart.centers)) == 1


def test_one_direction_is_drawn_across_with_photos_strewn() -> None:
    photos = [(1, x, 0.0) for x in np.linspace(0, 1, 50)]
    chart = a_map([(0, 0), (1, 0)], photos, shares=(1.0,))
    heights = {y for path in chart.dots for _, y in dots(path)}
    assert len(heights) > 30
    assert [pin.top for pin in chart.pins] == pytest.approx([50, 50], abs=2)
    assert "how high a photo stands means nothing" in chart.caption


def test_clusters_at_one_place_and_no_photos() -> None:
    chart = a_map([(2, 2), (2, 2)])
    assert [(pin.left, pin.top) for pin in chart.pins] == [(50, 50)]
    assert dots(chart.centers) == [(50, 50)]
