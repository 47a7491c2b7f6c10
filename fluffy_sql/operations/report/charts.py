"""The coordinates of each chart's marks; the page draws them, with its colours and fonts."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.operations.report.model import Cluster, Comparable, LibraryMap
from fluffy_sql.operations.report.words import distance
from fluffy_sql.words import count

# A chart is drawn on this many units; the page scales it.
WIDTH, HEIGHT = 560, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 10, 14, 30

# On the map, the largest clusters have a colour of their own, and some a picture.
COLOURS = 8
_PINS = 30
_TAGS = 60
_RINGS = 150
# The share of the map's width and height that a picture or a number takes, on a desk and on a
# phone, with some air.
_PICTURE = ((0.058, 0.105), (0.15, 0.115))
_NUMBER = ((0.026, 0.042), (0.08, 0.05))
# A stray photo must not squeeze all others together.
_KEPT_IN_VIEW = 0.5
_EDGE = 6.0


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
class Pin:
    """A cluster on the map, by its picture and number; places in percent from top left.

    Attributes:
        colour: 1 up, the number of its colour; 0: none of its own.
        pictured: whether there is room for its picture, or for its number alone.
        on_phone: whether there is room for it on a narrow map, too.
    """

    cluster: Cluster
    left: float
    top: float
    colour: int
    pictured: bool
    on_phone: bool

    def extent(self, place: int) -> tuple[float, float]:
        """The share of the map's width and height that it takes, on a desk (0) or a phone (1)."""
        return (_PICTURE if self.pictured else _NUMBER)[place]


@dataclass(frozen=True)
class MapChart:
    """The map, on 100 units each way; the page stretches it.

    Attributes:
        dots: a path for each colour, 0 first: a dot for each photo of the sample.
        centers: path of a dot for each centroid that has no pin, of the largest clusters.
        caption: what the directions are, in words.
    """

    dots: tuple[str, ...]
    centers: str
    pins: tuple[Pin, ...]
    caption: str


def chart_of_map(
    group: Comparable, library_map: LibraryMap, with_picture: Collection[int]
) -> MapChart:
    """Draws the map of a group; `with_picture` are ids of clusters that have one on the page."""
    photos = library_map.photos.copy()
    if len(library_map.shares) == 1:
        # Nothing to be seen upward: photos are strewn so that they do not hide each other.
        photos[:, 1] = np.random.default_rng(0).uniform(-1, 1, len(photos))
    centroids, photos = _in_percent(library_map.centroids, photos)
    colours = {
        cluster.id: min(index + 1, COLOURS + 1) % (COLOURS + 1)
        for index, cluster in enumerate(group.clusters)
    }
    dots: list[list[str]] = [[] for _ in range(COLOURS + 1)]
    for cluster_id, (x, y) in zip(library_map.cluster_ids, photos, strict=True):
        dots[colours[cluster_id]].append(_dot(x, y))
    pins = _pins(group, centroids, colours, with_picture)
    pinned = {pin.cluster.id for pin in pins}
    centers = [
        _dot(x, y)
        for cluster, (x, y) in zip(group.clusters, centroids, strict=True)
        if cluster.id not in pinned
    ]
    return MapChart(
        dots=tuple("".join(path) for path in dots),
        centers="".join(centers[:_RINGS]),
        pins=tuple(pins),
        caption=_caption(library_map),
    )


def _in_percent(
    centroids: NDArray[np.float64], photos: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both as percent of the map, from its top left; photos far outside stand at its edge."""
    everything = np.vstack([centroids, photos])
    low, high = np.percentile(everything, [_KEPT_IN_VIEW, 100 - _KEPT_IN_VIEW], axis=0)
    low, high = np.minimum(low, centroids.min(axis=0)), np.maximum(high, centroids.max(axis=0))
    extent = np.where(high > low, high - low, 1.0)
    middle = (low + high) / 2

    def percent(points: NDArray[np.float64]) -> NDArray[np.float64]:
        scaled = np.clip((points - middle) / extent + 0.5, 0, 1)
        scaled[:, 1] = 1 - scaled[:, 1]
        placed: NDArray[np.float64] = scaled * (100 - 2 * _EDGE) + _EDGE
        return placed

    return percent(centroids), percent(photos)


def _dot(x: float, y: float) -> str:
    """A line without length, which a round cap makes a dot."""
    return f"M{x:.1f} {y:.1f}h0"


def _pins(
    group: Comparable,
    centroids: NDArray[np.float64],
    colours: dict[int, int],
    with_picture: Collection[int],
) -> list[Pin]:
    """The largest clusters whose pictures do not hide each other, then numbers in the gaps."""
    pins: list[Pin] = []
    for pictured, most in ((True, _PINS), (False, _TAGS)):
        for cluster, (x, y) in zip(group.clusters, centroids, strict=True):
            taken = {pin.cluster.id for pin in pins}
            if len(pins) == most:
                break
            if cluster.id in with_picture and cluster.id not in taken:
                pin = Pin(
                    cluster, float(x), float(y), colours[cluster.id], pictured, on_phone=False
                )
                if _is_free(pin, pins, place=0):
                    on_phone = _is_free(pin, [pin for pin in pins if pin.on_phone], place=1)
                    pins.append(replace(pin, on_phone=on_phone))
    return pins


def _is_free(pin: Pin, others: Sequence[Pin], place: int) -> bool:
    """Whether a pin hides no other, on a desk (0) or on a phone (1)."""
    wide, tall = pin.extent(place)
    for other in others:
        other_wide, other_tall = other.extent(place)
        beside = abs(pin.left - other.left) >= 50 * (wide + other_wide)
        below = abs(pin.top - other.top) >= 50 * (tall + other_tall)
        if not (beside or below):
            return False
    return True


def _caption(library_map: LibraryMap) -> str:
    across = f"{library_map.shares[0]:.0%}"
    if len(library_map.shares) == 1:
        return (
            f"The clusters differ in one direction, which runs across; how high a photo stands"
            f" means nothing. {count(len(library_map.photos), 'photo')} drawn."
        )
    return (
        f"The two directions in which the clusters differ the most: {across} of their variance"
        f" across, {library_map.shares[1]:.0%} upward. A dot is a photo, one of"
        f" {len(library_map.photos):,} drawn at random; a ring is the centroid of a cluster."
        " Clusters that lie together here may be apart in the directions not seen."
    )
