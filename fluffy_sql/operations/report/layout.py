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
_APART = 600


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
    places = _apart(_in_frame(start, radii), radii)
    return Layout(places, radii * _shrunk(places, radii))


def _likeness(
    centroids: NDArray[np.float32], links: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """How alike each two are; sums to 1."""
    apart = _squared_distances(centroids.astype(np.float64))
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
        near = 1 / (1 + _squared_distances(places))
        np.fill_diagonal(near, 0)
        pull = (alike * (6 if early else 1) - near / near.sum()) * near
        slope = 4 * _moved_by(pull, places)
        against = np.sign(slope) != np.sign(speed)
        gains = np.clip(np.where(against, gains + 0.2, gains * 0.8), 0.01, None)
        speed = (0.5 if early else 0.8) * speed - rate * gains * slope
        places = places + speed
    middled: NDArray[np.float64] = places - places.mean(axis=0)
    return middled


def _in_frame(places: NDArray[np.float64], radii: NDArray[np.float64]) -> NDArray[np.float64]:
    """The places stretched over the map, the longer way across."""
    _, _, rows = np.linalg.svd(places - places.mean(axis=0), full_matrices=False)
    # A direction and its opposite are one axis.
    turned = places @ (rows * np.sign(rows[np.arange(2), np.abs(rows).argmax(axis=1)])[:, None]).T
    low, high = turned.min(axis=0), turned.max(axis=0)
    extent = np.where(high - low > 1e-9, high - low, 1.0)  # noqa: PLR2004 - rounding
    room = np.array([WIDTH, HEIGHT]) - 2 * radii.max()
    framed: NDArray[np.float64] = (turned - (low + high) / 2) / extent * room
    framed += np.array([WIDTH, HEIGHT]) / 2
    return framed


def _apart(places: NDArray[np.float64], radii: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pushes circles apart until none touches another, inside of the frame."""
    random = np.random.default_rng(0)
    places = places + random.normal(scale=1e-3, size=places.shape)
    least = radii[:, None] + radii + _GAP
    np.fill_diagonal(least, 0)
    # Not all the same, or two that are pushed into a corner would never part.
    edge = radii[:, None] + random.uniform(1, 2, places.shape)
    for _ in range(_APART):
        places = np.clip(places, edge, np.array([WIDTH, HEIGHT]) - edge)
        distance = np.sqrt(np.maximum(_squared_distances(places), 1e-9))
        overlap = np.maximum(least - distance, 0)
        if overlap.max() < _GAP / 2:
            break
        places = places + 0.25 * _moved_by(overlap / distance, places)
    return np.clip(places, edge, np.array([WIDTH, HEIGHT]) - edge)


def _shrunk(places: NDArray[np.float64], radii: NDArray[np.float64]) -> float:
    """What all circles are to be multiplied by, should some have found no room."""
    distance = np.sqrt(_squared_distances(places))
    np.fill_diagonal(distance, np.inf)
    return min(1.0, float((distance / (radii[:, None] + radii + 1)).min()))


def _squared_distances(places: NDArray[np.float64]) -> NDArray[np.float64]:
    squares = (places**2).sum(axis=1)
    found: NDArray[np.float64] = np.maximum(squares[:, None] + squares - 2 * places @ places.T, 0)
    return found


def _moved_by(weights: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of the ways from all other places to each, by these weights."""
    moved: NDArray[np.float64] = weights.sum(axis=1, keepdims=True) * places - weights @ places
    return moved
