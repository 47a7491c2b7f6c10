"""Where clusters lie on the map: alike ones side by side, and none on another."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fluffy_sql.operations.report.layout import HEIGHT, WIDTH, Layout, lay_out


def families(clusters: int = 60, kinds: int = 6) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Clusters around a few directions of many, and which each belongs to."""
    random = np.random.default_rng(1)
    kind = np.arange(clusters) % kinds
    middles = random.normal(size=(kinds, 64))
    rows = (middles[kind] + 0.6 * random.normal(size=(clusters, 64))).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), kind


def share_beside_its_kind(layout: Layout, kind: NDArray[np.int64]) -> float:
    apart = np.hypot(*(layout.places[:, None] - layout.places).T)
    np.fill_diagonal(apart, np.inf)
    return float((kind[apart.argmin(axis=1)] == kind).mean())


@pytest.mark.parametrize("sizes", [[5, 1], [1, 1, 1], [10_000, 1, 1, 1], [40] * 60, [3] * 400])
def test_circles_are_inside_and_none_touches_another(sizes: list[int]) -> None:
    centroids = families(len(sizes))[0]
    layout = lay_out(centroids, np.array(sizes))
    apart = np.hypot(*(layout.places[:, None] - layout.places).T)
    needed = layout.radii[:, None] + layout.radii
    np.fill_diagonal(needed, 0)
    assert (apart >= needed).all()
    # Most of the room that they are to have, they have.
    assert (layout.radii**2).sum() * np.pi > 0.2 * WIDTH * HEIGHT or max(layout.radii) > 60
    assert (layout.places >= layout.radii[:, None]).all()
    assert (layout.places <= np.array([WIDTH, HEIGHT]) - layout.radii[:, None]).all()


def test_those_that_are_alike_lie_side_by_side() -> None:
    centroids, kind = families()
    layout = lay_out(centroids, np.full(60, 30))
    assert share_beside_its_kind(layout, kind) > 0.9
    assert (lay_out(centroids, np.full(60, 30)).places == layout.places).all()


def test_links_count_more_than_centroids() -> None:
    centroids, kind = families()
    other = np.arange(60) // 10
    links = (other[:, None] == other).astype(np.float64)
    np.fill_diagonal(links, 0)
    linked = lay_out(centroids, np.full(60, 30), links)
    assert share_beside_its_kind(linked, other) > 0.9
    assert share_beside_its_kind(linked, kind) < 0.4


def test_equal_centroids_part() -> None:
    layout = lay_out(np.ones((10, 4), dtype=np.float32), np.full(10, 5))
    assert np.isfinite(layout.places).all()
    assert len(np.unique(layout.places.round(), axis=0)) == 10
