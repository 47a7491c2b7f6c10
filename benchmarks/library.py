"""Made libraries: unit vectors in themes of uneven sizes, the same ones for the same seed.

An embedding model spreads photos over far fewer directions than it has dimensions, and themes lie
in families: so here a photo is its family's place, plus its theme's, plus its own, each drawn with
a spread that falls from dimension to dimension. Which axes are the wide ones does not matter to
k-means, so they are the first ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SEED = 0
CHUNK_ROWS = 10_000

_FAMILIES = 100
_THEMES = 1_000
# Spread of themes within a family and of photos within a theme, where families have 1. With these,
# one photo in twelve of 768 dimensions is nearer to the middle of another theme than to its own's.
_THEME_SPREAD = 0.6
_PHOTO_SPREAD = 1.2
_SIZE_SPREAD = 1.0  # sigma of the lognormal sizes: the largest theme is some 25 times the median


@dataclass(frozen=True)
class Library:
    """What to make and how to cluster it.

    Attributes:
        rows: how many photos.
        dimensions: length of their embeddings.
        ks: numbers of clusters to make of them, one after the other.
    """

    rows: int
    dimensions: int
    ks: tuple[int, ...]


def made_photos(
    rows: int, dimensions: int, seed: int = SEED
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Yields ids, from 1 up, and embeddings in chunks, for tables larger than memory."""
    spread = _falling_spread(dimensions)
    generator = np.random.default_rng(seed)
    families = generator.normal(size=(_FAMILIES, dimensions)) * spread
    themes = families[generator.integers(_FAMILIES, size=_THEMES)]
    themes += _THEME_SPREAD * generator.normal(size=(_THEMES, dimensions)) * spread
    sizes = generator.lognormal(sigma=_SIZE_SPREAD, size=_THEMES)
    for first in range(0, rows, CHUNK_ROWS):
        count = min(CHUNK_ROWS, rows - first)
        theme = generator.choice(_THEMES, size=count, p=sizes / sizes.sum())
        photos = themes[theme] + _PHOTO_SPREAD * generator.normal(size=(count, dimensions)) * spread
        photos /= np.linalg.norm(photos, axis=1, keepdims=True)
        yield np.arange(first + 1, first + 1 + count), photos.astype(np.float32)


def _falling_spread(dimensions: int) -> NDArray[np.float64]:
    """Standard deviation of each dimension; together they are of length 1."""
    spread = np.arange(1, dimensions + 1) ** -0.5
    return np.asarray(spread / np.linalg.norm(spread), dtype=np.float64)
