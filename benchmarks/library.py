"""Libraries to cluster: made ones, or of a folder.

Made ones are unit vectors in themes of uneven sizes, the same ones for the same seed.

An embedding model spreads photos over far fewer directions than it has dimensions, and themes lie
in families: so here a photo is its family's place, plus its theme's, plus its own, each drawn with
a spread that falls from dimension to dimension. Which axes are the wide ones does not matter to
k-means, so they are the first ones.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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


# Ids, from 1 up, embeddings, and the theme that each photo is of.
Photos = tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]


@dataclass(frozen=True)
class Library:
    """What to load and how to cluster it.

    Attributes:
        rows: how many photos.
        dimensions: length of their embeddings.
        ks: numbers of clusters to make of them, one after the other.
        folder: of its data; none: it is made.
    """

    rows: int
    dimensions: int
    ks: tuple[int, ...]
    folder: Path | None = None

    @classmethod
    def of_folder(cls, folder: Path) -> "Library":
        """`embeddings.npy`, and `photos.csv` with a column `label`; k is the number of labels."""
        rows, dimensions = np.load(folder / "embeddings.npy", mmap_mode="r").shape
        return cls(rows, dimensions, (len(set(_labels(folder))),), folder)

    def photos(self) -> Iterator[Photos]:
        """Yields photos in chunks, for tables larger than memory."""
        if self.folder is None:
            yield from made_photos(self.rows, self.dimensions)
            return
        embeddings = np.load(self.folder / "embeddings.npy")
        _, themes = np.unique(_labels(self.folder), return_inverse=True)
        yield np.arange(1, self.rows + 1), embeddings.astype(np.float32), themes


def _labels(folder: Path) -> list[str]:
    with (folder / "photos.csv").open(encoding="utf-8", newline="") as file:
        return [row["label"] for row in csv.DictReader(file)]


def made_photos(rows: int, dimensions: int, seed: int = SEED) -> Iterator[Photos]:
    """Yields made ones."""
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
        yield np.arange(first + 1, first + 1 + count), photos.astype(np.float32), theme


def _falling_spread(dimensions: int) -> NDArray[np.float64]:
    """Standard deviation of each dimension; together they are of length 1."""
    spread = np.arange(1, dimensions + 1) ** -0.5
    return np.asarray(spread / np.linalg.norm(spread), dtype=np.float64)
