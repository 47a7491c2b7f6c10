"""Draw the sample library: a folder of pictures, and the embedding of each."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.operations.sample_library.descriptor import describe
from fluffy_sql.operations.sample_library.scene import Scene
from fluffy_sql.operations.sample_library.themes import THEMES

PICTURES_PER_THEME = 108
SAMPLE_SIZE = len(THEMES) * PICTURES_PER_THEME

_JPEG_QUALITY = 88
# A process is handed that many pictures at a time.
_PICTURES_AT_A_TIME = 9
# Each takes a quarter of a second to start, and they are done in a few.
_MOST_PROCESSES = 4


# Two arrays have no single answer to "equal?", so pictures are compared by identity.
@dataclass(frozen=True, eq=False)
class SamplePicture:
    """One picture of the sample library.

    Attributes:
        path: Its file, relative to the library's folder, with forward slashes.
        theme: The name of the theme it was drawn from.
        embedding: Its descriptor, float32 of shape (384,).
    """

    path: str
    theme: str
    embedding: NDArray[np.float32]


def draw_sample_library(
    folder: Path, *, seed: int = 0, pictures_per_theme: int = PICTURES_PER_THEME, size: int = 192
) -> Iterator[SamplePicture]:
    """Draw the sample library into a folder, yielding each picture once its file is written.

    The same seed draws the same pictures with the same embeddings. Each picture has random numbers
    of its own, so the first ten of a theme are the same however many are drawn, and by however many
    processes.

    Args:
        folder: Where to write; made if it is missing. Each theme gets a folder inside it.
        seed: Any whole number from 0.
        pictures_per_theme: How many pictures to draw for each theme.
        size: The side of the square pictures, in pixels, from 16.

    Yields:
        The pictures, theme by theme.
    """
    for theme in THEMES:
        (folder / theme).mkdir(parents=True, exist_ok=True)
    places = [(theme, index) for theme in THEMES for index in range(pictures_per_theme)]
    draw = partial(_draw_picture, folder, seed, size)
    # Started anew, not forked: a fork takes along the threads of NumPy and of the progress bar.
    processes = min(os.cpu_count() or 1, _MOST_PROCESSES)
    with ProcessPoolExecutor(processes, get_context("spawn"), _prepare_process) as pool:
        try:
            yield from pool.map(draw, *zip(*places, strict=True), chunksize=_PICTURES_AT_A_TIME)
        finally:
            pool.shutdown(cancel_futures=True)


def _prepare_process() -> None:
    # Ctrl-C reaches all processes; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # glibc returns every mask to the system and gets the next one page by page, until it has seen
    # something larger freed. That is a tenth of the time.
    bytearray(16 << 20)


def _draw_picture(folder: Path, seed: int, size: int, theme: str, index: int) -> SamplePicture:
    scene = Scene(np.random.default_rng([seed, [*THEMES].index(theme), index]), size)
    THEMES[theme](scene)
    image = scene.finish()
    path = f"{theme}/{theme}-{index + 1:03d}.jpg"
    image.save(folder / path, quality=_JPEG_QUALITY)
    return SamplePicture(path=path, theme=theme, embedding=describe(image))
