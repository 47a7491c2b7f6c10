"""The coordinates of each chart's marks; the page draws them, with its colours and fonts."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.operations.report.layout import Layout
from fluffy_sql.operations.report.model import Cluster, Comparable, Photo, Shown
from fluffy_sql.operations.report.words import distance
from fluffy_sql.words import count

# A chart is drawn on this many units; the page scales it.
WIDTH, HEIGHT = 560, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 10, 14, 30

# On the map.
COLOURS = 8
# The share of a circle's radius that its picture takes, and how small a circle has none.
_PICTURE = 0.6
_TOO_SMALL_FOR_PICTURE = 13.0
_LARGEST_DOT = 2.6
# Dots are put on a spiral, on which each finds room for itself (Vogel 1979).
_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))
# As many neighbouring places on it are exchanged freely, so that a dot is on the side it tends to.
_EXCHANGED = 9


@dataclass(frozen=True)
class Tick:
    """A line across a chart, and what it stands for."""

    y: float
    label: str


@dataclass(frozen=True)
class Chart:
    """A chart of clusters side by side.

    Attributes:
        bars: path of the marks, as thick strokes.
        ranges: path of lines from the mean to the farthest photo; empty if there are none.
        marked: path of the marks worth a second look.
        thickness: of the strokes.
        usual: the position of the median.
        note: how to read it.
        told: the same in words, for readers who can't see it.
    """

    title: str
    bars: str
    ranges: str
    marked: str
    thickness: float
    ticks: tuple[Tick, ...]
    usual: float
    left_label: str
    right_label: str
    note: str
    told: str


def chart_of_sizes(clusters: Sequence[Cluster], marked: Collection[int]) -> Chart:
    """How many photos each of one or more clusters has, the largest first; `marked` are ids."""
    sizes = [cluster.photos for cluster in clusters]
    ticks = _ticks(max(*sizes, 1), whole=True)
    height = _scale(ticks[-1])
    marks = [_mark(index, len(sizes), height(0), height(size)) for index, size in enumerate(sizes)]
    bars, outstanding = _apart(marks, clusters, marked)
    usual = median(sizes)
    return Chart(
        title="Photos in each cluster",
        bars=bars,
        ranges="",
        marked=outstanding,
        thickness=_thickness(len(sizes)),
        ticks=tuple(Tick(height(value), f"{value:,.0f}") for value in ticks),
        usual=height(usual),
        left_label="largest",
        right_label="smallest",
        note=f"One bar for each cluster. Dotted: the median, {usual:,.0f}.",
        told=(
            f"The largest cluster has {count(sizes[0], 'photo')}, the smallest"
            f" {count(sizes[-1], 'photo')}; half have {usual:,.0f} or more."
        ),
    )


def chart_of_distances(clusters: Sequence[Cluster], marked: Collection[int]) -> Chart | None:
    """How far the photos of each cluster lie from its centroid, the tightest cluster first.

    The clusters can be compared; `marked` are ids. None if no photo has a distance.
    """
    spreads = sorted(
        ((cluster.spread, cluster) for cluster in clusters if cluster.spread),
        key=lambda one: (one[0].mean, one[1].id),
    )
    if not spreads:
        return None
    largest = max(spread.largest for spread, _ in spreads)
    ticks = _ticks(largest or 1.0, whole=False)
    height = _scale(ticks[-1])
    middles, ranges = [], []
    for index, (spread, _) in enumerate(spreads):
        low, high = height(spread.lower_quartile), height(spread.upper_quartile)
        middles.append(_mark(index, len(spreads), low, min(high, low - 1)))
        ranges.append(_mark(index, len(spreads), low, height(spread.largest)))
    bars, outstanding = _apart(middles, [cluster for _, cluster in spreads], marked)
    usual = median(spread.mean for spread, _ in spreads)
    return Chart(
        title="Distance of photos from their centroid",
        bars=bars,
        ranges="".join(ranges),
        marked=outstanding,
        thickness=_thickness(len(spreads)),
        ticks=tuple(Tick(height(value), f"{value:.6g}") for value in ticks),
        usual=height(usual),
        left_label="tightest",
        right_label="widest",
        note=(
            "For each cluster, the middle half of its photos and a line up to the farthest."
            f" Dotted: the median of the means, {distance(usual)}."
        ),
        told=(
            f"The mean distance is {distance(spreads[0][0].mean)} in the tightest cluster and"
            f" {distance(spreads[-1][0].mean)} in the widest; half have {distance(usual)} or more."
            f" The farthest photo of all lies {distance(largest)} from its centroid."
        ),
    )


def _ticks(largest: float, *, whole: bool) -> list[float]:
    """0 and a few round numbers up to the first that is not below the largest."""
    raw = largest / 4
    power = 10.0 ** math.floor(math.log10(raw))
    steps = (power * factor for factor in (1, 2, 2.5, 5, 10))
    step = next(step for step in steps if step >= raw * 0.999)
    if whole:
        step = max(1, math.ceil(step))
    return [step * index for index in range(math.ceil(largest / step * 0.999) + 1)]


def _scale(top: float) -> Callable[[float], float]:
    def height(value: float) -> float:
        return HEIGHT - _BOTTOM - value / top * (HEIGHT - _TOP - _BOTTOM)

    return height


def _thickness(marks: int) -> float:
    slot = (WIDTH - _LEFT - _RIGHT) / marks
    return round(min(slot * 0.72, 34.0), 3)


def _mark(index: int, marks: int, low: float, high: float) -> str:
    x = _LEFT + (WIDTH - _LEFT - _RIGHT) * (index + 0.5) / marks
    return f"M{x:.1f} {low:.1f}V{high:.1f}"


def _apart(
    marks: Sequence[str], clusters: Sequence[Cluster], marked: Collection[int]
) -> tuple[str, str]:
    """The path of most clusters, and that of those to be marked."""
    paths = ["", ""]
    for mark, cluster in zip(marks, clusters, strict=True):
        paths[cluster.id in marked] += mark
    return paths[0], paths[1]


@dataclass(frozen=True)
class Dot:
    """A photo on the map."""

    photo: Photo
    x: float
    y: float


@dataclass(frozen=True)
class Circle:
    """A cluster on the map.

    Attributes:
        colour: 1 up, the number of its colour.
        picture: the radius of its picture, in the middle; 0: there is no room for it.
        dot: the radius of its dots.
    """

    cluster: Cluster
    x: float
    y: float
    radius: float
    colour: int
    picture: float
    dot: float
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class MapChart:
    """The map; the page scales it.

    Attributes:
        caption: how to read it.
    """

    circles: tuple[Circle, ...]
    caption: str


def chart_of_map(group: Comparable, layout: Layout, shown: Mapping[int, Shown]) -> MapChart:
    """Draws the map of a group; `shown` are clusters that are shown with photos, by id."""
    at = {
        cluster.id: (float(x), float(y))
        for cluster, (x, y) in zip(group.clusters, layout.places, strict=False)
    }
    colours = _colours(layout)
    circles = []
    for cluster, radius, colour in zip(group.clusters, layout.radii, colours, strict=False):
        photos = shown[cluster.id].photos if cluster.id in shown else ()
        pictured = bool(photos) and radius >= _TOO_SMALL_FOR_PICTURE
        picture = _PICTURE * float(radius) if pictured else 0.0
        inner, outer = (picture + 1.5 if pictured else 0.0), 0.94 * float(radius)
        room = math.sqrt((outer**2 - inner**2) / max(len(photos), 1))
        dot = min(_LARGEST_DOT, 0.42 * room)
        dots = _dots(photos, at, at[cluster.id], inner + dot, outer - dot)
        circles.append(Circle(cluster, *at[cluster.id], float(radius), colour, picture, dot, dots))
    return MapChart(tuple(circles), _caption(group, len(circles)))


def _dots(
    photos: Sequence[Photo],
    at: Mapping[int, tuple[float, float]],
    middle: tuple[float, float],
    inner: float,
    outer: float,
) -> tuple[Dot, ...]:
    """Photos around the middle: the most central ones inside, each towards where it tends to."""
    dots = []
    for first in range(0, len(photos), _EXCHANGED):
        some = list(photos[first : first + _EXCHANGED])
        for index in range(first, first + len(some)):
            share = (index + 0.5) / len(photos)
            radius = math.sqrt(inner**2 + (outer**2 - inner**2) * share)
            angle = index * _GOLDEN_ANGLE
            x, y = radius * math.cos(angle), radius * math.sin(angle)

            def towards(photo: Photo, x: float = x, y: float = y) -> float:
                """How well this place is on the way to the cluster that the photo tends to."""
                other = at.get(photo.elsewhere.cluster_id) if photo.elsewhere else None
                if other is None:
                    return 0.0
                right, down = other[0] - middle[0], other[1] - middle[1]
                return (x * right + y * down) / (math.hypot(right, down) or 1.0)

            photo = max(some, key=towards)
            some.remove(photo)
            dots.append(Dot(photo, middle[0] + x, middle[1] + y))
    return tuple(dots)


def _colours(layout: Layout) -> list[int]:
    """A colour for each circle that is far from others of the same colour."""
    difference = layout.places[:, None] - layout.places
    gaps = np.sqrt((difference**2).sum(axis=2)) - layout.radii[:, None] - layout.radii
    nearness: NDArray[np.float64] = 1 / np.maximum(gaps, 1.0) ** 2
    colours = np.zeros(len(gaps), dtype=np.int64)
    for place in range(len(gaps)):
        cost = [nearness[place, colours == colour].sum() for colour in range(1, COLOURS + 1)]
        colours[place] = 1 + int(np.argmin(cost))
    return [int(colour) for colour in colours]


def _caption(group: Comparable, circles: int) -> str:
    by = "photos are neighbours" if group.by_links else "centroids are near each other"
    which = "A circle is a cluster"
    if circles < len(group.clusters):
        which = f"The {circles:,} largest of {len(group.clusters):,} clusters are a circle each"
    return (
        f"{which}, as large as it has photos, with its most central photo in the middle; those"
        f" whose {by} lie side by side. A dot is a photo of those shown:"
        " central ones further in, and as it can, on the side of the cluster that it is nearest"
        " to but its own. Colours only tell neighbours apart."
    )
