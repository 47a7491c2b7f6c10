"""Where the marks of the charts go."""

import re
from collections.abc import Sequence

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
from fluffy_sql.operations.report.layout import lay_out
from fluffy_sql.operations.report.model import Comparable, Neighbour, Shown
from tests.unit.report_helpers import a_cluster, a_photo

NUMBER = r"-?\d+(?:\.\d+)?"


def strokes(path: str) -> list[tuple[float, float, float]]:
    """Each stroke's x, and where it begins and ends."""
    found = re.findall(rf"M({NUMBER}) ({NUMBER})V({NUMBER})", path)
    assert path == "".join("M{} {}V{}".format(*one) for one in found)
    return [(float(x), float(low), float(high)) for x, low, high in found]


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


def a_map(sizes: Sequence[int], *, photos: int = 30, seed: int = 0) -> MapChart:
    """The map of clusters 1, 2, ... of these sizes, whose photos tend to the next two."""
    centroids = np.random.default_rng(seed).normal(size=(len(sizes), 8)).astype(np.float32)
    clusters = tuple(a_cluster(index, photos=size) for index, size in enumerate(sizes, start=1))
    layout = lay_out(centroids, np.array(sizes))
    shown = {
        cluster.id: Shown(
            cluster,
            tuple(
                a_photo(
                    1_000 * cluster.id + rank,
                    rank=rank,
                    elsewhere=Neighbour((cluster.id + rank % 2) % len(sizes) + 1, 0.5),
                )
                for rank in range(1, photos + 1)
            ),
        )
        for cluster in clusters
    }
    return chart_of_map(Comparable("cosine", 8, clusters, layout), layout, shown)


@pytest.mark.parametrize("sizes", [[9, 3], [500, 5, 5, 5], [50] * 100, [9] * 400])
def test_each_photo_is_a_dot_in_the_circle_of_its_cluster_and_none_hides_another(
    sizes: Sequence[int],
) -> None:
    chart = a_map(sizes)
    assert len(chart.circles) == len(sizes)
    for circle in chart.circles:
        assert len(circle.dots) == 30
        at = np.array([(dot.x, dot.y) for dot in circle.dots])
        from_middle = np.hypot(*(at - (circle.x, circle.y)).T)
        assert from_middle.max() + circle.dot <= circle.radius
        # Nor do they hide the picture, if there is room for one.
        assert from_middle.min() - circle.dot >= circle.picture
        apart = np.hypot(*(at[:, None] - at).T) + 99 * np.eye(len(at))
        assert apart.min() > circle.dot


def test_central_photos_are_inside_and_dots_are_on_the_side_they_tend_to() -> None:
    chart = a_map([60] * 12)
    at = {circle.cluster.id: np.array([circle.x, circle.y]) for circle in chart.circles}
    towards = []
    for circle in chart.circles:
        assert max(dot.photo.rank for dot in circle.dots[:9]) <= 9
        for dot in circle.dots:
            assert dot.photo.elsewhere is not None
            way = at[dot.photo.elsewhere.cluster_id] - at[circle.cluster.id]
            step = np.array([dot.x, dot.y]) - at[circle.cluster.id]
            towards.append(way @ step / np.linalg.norm(way) / np.linalg.norm(step))
    # Strewn without regard to it, they would be at 0 on the mean.
    assert np.mean(towards) > 0.2


def test_neighbours_differ_in_colour() -> None:
    circles = a_map([50] * 100).circles
    assert {circle.colour for circle in circles} == set(range(1, 9))
    touching = [
        (one, other)
        for one in circles
        for other in circles
        if one is not other
        and np.hypot(one.x - other.x, one.y - other.y) < one.radius + other.radius + 15
    ]
    assert len(touching) > 50
    assert not [pair for pair in touching if pair[0].colour == pair[1].colour]


def test_of_very_many_clusters_the_largest_are_on_the_map() -> None:
    clusters = tuple(a_cluster(index) for index in range(1, 6))
    layout = lay_out(np.eye(3, dtype=np.float32), np.array([10, 10, 10]))
    chart = chart_of_map(Comparable("l2", 3, clusters, layout, by_links=True), layout, {})
    assert [circle.cluster.id for circle in chart.circles] == [1, 2, 3]
    assert chart.caption.startswith("The 3 largest of 5 clusters are a circle each")
    assert "whose photos are neighbours lie side by side" in chart.caption
    # Without photos that are shown there is neither a picture nor a dot.
    assert {(circle.picture, circle.dots) for circle in chart.circles} == {(0.0, ())}
