"""A plain image descriptor that stands in for a DINO embedding in the sample library.

It knows which colours lie where in a picture and which way its edges run, and nothing about what
the picture shows. It has as many numbers as a DINOv2-S embedding.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLOUR_GRID = 8
EDGE_GRID = 4
ORIENTATIONS = 12
DIMENSIONS = 3 * COLOUR_GRID**2 + ORIENTATIONS * EDGE_GRID**2

# Edges are measured on a picture of this side, so that its resolution doesn't matter.
_EDGE_SIDE = 96

# Oklab's a and b span about a quarter of what its lightness spans. Hue tells pictures apart better
# than brightness does, so the three are brought to a similar spread.
_CHROMA_WEIGHT = 2.5
# With this weight edges count for somewhat more than colours in a detailed picture, and for less in
# a smooth one.
_EDGE_WEIGHT = 5.0
# Edge energy that even a blank picture has: it keeps mid-grey from becoming the zero vector.
_EDGE_FLOOR = 1e-6

# Below this sRGB is linear.
_SRGB_KNEE = 0.04045
_LINEAR_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LMS_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def describe(image: Image.Image) -> NDArray[np.float32]:
    """Describe a picture of any size and mode by its colour layout and its edges.

    Returns:
        A finite vector of shape (384,) that is never zero and not normalised. The first 192
        numbers are the mean colours of an 8 x 8 grid, row by row, as Oklab (lightness less one
        half, then a and b). The last 192 are the edges in a 4 x 4 grid, row by row: for each of 12
        orientations over half a turn, the root of the mean gradient magnitude.
    """
    rgb = image.convert("RGB")
    both = np.concatenate([_colour_layout(rgb), _EDGE_WEIGHT * _edges(rgb)])
    return both.astype(np.float32)


def _colour_layout(rgb: Image.Image) -> NDArray[np.float64]:
    """Mean colours of the grid's cells, of shape (192,)."""
    cells = rgb.resize((COLOUR_GRID, COLOUR_GRID), Image.Resampling.BOX)
    oklab = _oklab(np.asarray(cells, dtype=np.float64) / 255)
    return ((oklab - [0.5, 0, 0]) * [1, _CHROMA_WEIGHT, _CHROMA_WEIGHT]).ravel()


def _oklab(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colours of shape (..., 3), from sRGB in 0..1 to Oklab (Björn Ottosson, 2020)."""
    linear = np.where(srgb <= _SRGB_KNEE, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _LINEAR_TO_LMS.T) @ _LMS_TO_OKLAB.T)


def _edges(rgb: Image.Image) -> NDArray[np.float64]:
    """Root mean gradient magnitude for each cell and orientation, of shape (192,)."""
    grey = rgb.convert("L").resize((_EDGE_SIDE, _EDGE_SIDE), Image.Resampling.BOX)
    down, across = np.gradient(np.asarray(grey, dtype=np.float64) / 255)
    magnitude = np.hypot(down, across)
    # An edge is the same edge from dark to light and from light to dark: half a turn is enough.
    turn = np.arctan2(down, across) % np.pi / np.pi * ORIENTATIONS
    # Each gradient is shared out between its two nearest orientations, so that a picture that is
    # turned a little has a descriptor that has changed a little.
    lower = np.floor(turn)
    upper_share = turn - lower
    cell = np.arange(_EDGE_SIDE) * EDGE_GRID // _EDGE_SIDE
    first_bin = (cell[:, None] * EDGE_GRID + cell) * ORIENTATIONS
    sums = np.zeros(EDGE_GRID**2 * ORIENTATIONS)
    for step, share in ((0, 1 - upper_share), (1, upper_share)):
        orientation = (lower.astype(np.int64) + step) % ORIENTATIONS
        sums += np.bincount(
            (first_bin + orientation).ravel(), (magnitude * share).ravel(), minlength=sums.size
        )
    return np.sqrt(sums / (_EDGE_SIDE / EDGE_GRID) ** 2 + _EDGE_FLOOR)
