"""Where clusters lie on the map: circles, and next to each other if they are alike."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.operations.report.geometry import main_axes

# The map is drawn on this many units; the page scales it.
WIDTH, HEIGHT = 1_000.0, 620.0
# Of the map, the share that circles cover.
_COVERED = 0.42
_SMALLEST, _LARGEST = 7.0, 90.0
_GAP = 4.0
# As in t-SNE (van der Maaten and Hinton 2008), with a cluster in the place of a point: how many
# near ones count, and how it goes downhill.
_NEAR = 6
_STEPS, _EXAGGERATED = 500, 120
_APART = 400


@dataclass(frozen=True)
class Layout:
    """Circles on the map, in its units, none of which touches another.

    Attributes:
        places: shape (clusters, 2), their middles, from the top left.
        radii: shape (clusters,); the area grows with the number of photos.
    """

    places: NDArray[np.float64]
    radii: NDArray[np.float64]


def lay_out(
    centroids: NDArray[np.float32],
    photos: NDArray[np.int64],
    links: NDArray[np.float64] | None = None,
) -> Layout:
    """Lays clusters out so that those that are alike are side by side.

    Args:
        centroids: shape (clusters, dimensions).
        photos: shape (clusters,).
        links: shape (clusters, clusters), how often photos of one are neighbours of those of
            another; None: by the distances of centroids.
    """
    radii = np.sqrt(np.maximum(photos, 1).astype(np.float64))
    radii *= np.sqrt(_COVERED * WIDTH * HEIGHT / np.pi / (radii**2).sum())
    radii = np.clip(radii, _SMALLEST, _LARGEST)
    axes = main_axes(centroids, photos)
    start = np.zeros((len(centroids), 2))
    start[:, : len(axes.origin)] = centroids @ axes.directions.T - axes.origin
    if len(centroids) > _NEAR:
        start = _descend(_likeness(centroids, links), start)
    return Layout(_apart(_in_frame(start, radii), radii), radii)


def _likeness(
    centroids: NDArray[np.float32], links: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """How alike each two are; sums to 1."""
    rows = centroids.astype(np.float64)
    squares = (rows**2).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares - 2 * rows @ rows.T, 0)
    np.fill_diagonal(apart, np.inf)
    # Those at the distance of the last near one count a seventh of those at none.
    reach = np.partition(apart, _NEAR - 1, axis=1)[:, _NEAR - 1 : _NEAR]
    alike = np.exp(-2 * apart / np.maximum(reach, 1e-12))
    alike /= alike.sum(axis=1, keepdims=True)
    if links is not None:
        # A cluster that nobody links to lies where its centroid does.
        shares = links / np.maximum(links.sum(axis=1, keepdims=True), 1)
        alike = 0.1 * alike + 0.9 * shares
    alike += alike.T
    whole: NDArray[np.float64] = alike / alike.sum()
    return whole


def _descend(alike: NDArray[np.float64], start: NDArray[np.float64]) -> NDArray[np.float64]:
    """The places of t-SNE, from a start that is the same each time."""
    places = start / max(float(start.std()), 1e-12) * 1e-2
    # Centroids that are the same would never part.
    places += np.random.default_rng(0).normal(scale=1e-4, size=places.shape)
    speed = np.zeros_like(places)
    gains = np.ones_like(places)
    rate = max(len(places) / 4, 10.0)
    for step in range(_STEPS):
        early = step < _EXAGGERATED
        difference = places[:, None] - places
        near = 1 / (1 + (difference**2).sum(axis=2))
        np.fill_diagonal(near, 0)
        pull = (alike * (6 if early else 1) - near / near.sum()) * near
        slope = 4 * (pull[:, :, None] * difference).sum(axis=1)
        against = np.sign(slope) != np.sign(speed)
        gains = np.clip(np.where(against, gains + 0.2, gains * 0.8), 0.01, None)
        speed = (0.5 if early else 0.8) * speed - rate * gains * slope
        places = places + speed
    return places - places.mean(axis=0)


def _in_frame(places: NDArray[np.float64], radii: NDArray[np.float64]) -> NDArray[np.float64]:
    """The places stretched over the map, the longer way across."""
    _, _, rows = np.linalg.svd(places - places.mean(axis=0), full_matrices=False)
    # A direction and its opposite are one axis.
    turned = places @ (rows * np.sign(rows[np.arange(2), np.abs(rows).argmax(axis=1)])[:, None]).T
    low, high = turned.min(axis=0), turned.max(axis=0)
    extent = np.where(high - low > 1e-9, high - low, 1.0)  # noqa: PLR2004 - rounding
    room = np.array([WIDTH, HEIGHT]) - 2 * radii.max()
    framed: NDArray[np.float64] = ((turned - (low + high) / 2) / extent) * room
    return framed + np.array([WIDTH, HEIGHT]) / 2


def _apart(places: NDArray[np.float64], radii: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pushes circles apart until none touches another, inside of the frame."""
    places = places + np.random.default_rng(0).normal(scale=1e-3, size=places.shape)
    least = radii[:, None] + radii + _GAP
    np.fill_diagonal(least, 0)
    edge = radii[:, None] + 1
    for _ in range(_APART):
        difference = places[:, None] - places
        distance = np.maximum(np.sqrt((difference**2).sum(axis=2)), 1e-9)
        overlap = np.maximum(least - distance, 0)
        if not overlap.any():
            break
        places = places + 0.25 * ((overlap / distance)[:, :, None] * difference).sum(axis=1)
        places = np.clip(places, edge, np.array([WIDTH, HEIGHT]) - edge)
    return places
