"""A library of pictures to try the clustering on, drawn from a seed on the spot.

Twelve themes are painted with Pillow, and each picture is described by its colours and edges in
place of a DINO embedding. Importing this package without Pillow, which the extra `sample` brings,
raises the ordinary ImportError.
"""

from fluffy_sql.operations.sample_library.descriptor import DIMENSIONS, describe
from fluffy_sql.operations.sample_library.library import (
    PICTURES_PER_THEME,
    SAMPLE_SIZE,
    SamplePicture,
    draw_sample_library,
)
from fluffy_sql.operations.sample_library.themes import THEMES

__all__ = [
    "DIMENSIONS",
    "PICTURES_PER_THEME",
    "SAMPLE_SIZE",
    "THEMES",
    "SamplePicture",
    "describe",
    "draw_sample_library",
]
