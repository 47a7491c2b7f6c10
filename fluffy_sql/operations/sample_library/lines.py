"""Lines of heights y at evenly spaced x, from left to right: horizons and crests."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]

_LINE_POINTS = 193


def rolling_line(rng: np.random.Generator, level: float, height: float, waves: float) -> Field:
    """A soft horizon around `level`, as heights y at evenly spaced x; `waves` across the picture.

    Returns:
        Heights of shape (193,).
    """
    x = np.linspace(0, 1, _LINE_POINTS)
    swell = sum(
        0.5**octave * np.sin(2 * np.pi * (waves * 1.9**octave * x + rng.random()))
        for octave in range(3)
    )
    return np.asarray(level + height * swell / 1.75, dtype=np.float32)


def jagged_line(rng: np.random.Generator, level: float, height: float, peaks: int) -> Field:
    """A broken crest that rises up to about `height` above `level`, with `peaks` summits.

    Returns:
        Heights of shape (193,).
    """
    x = np.linspace(0, 1, _LINE_POINTS)
    shift = rng.uniform(0, 0.5)
    crest = np.zeros(_LINE_POINTS)
    for octave in range(5):
        knots = peaks * 2 ** (octave + 1) + 2
        ups_and_downs = rng.random(knots)
        if octave == 0:  # valleys between the summits, so that the crest has a shape at all
            ups_and_downs[::2] *= 0.35
        crest += 0.45**octave * np.interp(x * (knots - 2) + shift, np.arange(knots), ups_and_downs)
    return np.asarray(level - height * crest / 1.35, dtype=np.float32)


def outline(line: Field) -> NDArray[np.float64]:
    """The places along a line of heights, of shape (193, 2)."""
    return np.stack([np.linspace(0, 1, line.size), line.astype(np.float64)], axis=1)


def height_at(line: Field, x: float) -> float:
    """The height y of a line at x."""
    return float(np.interp(x, np.linspace(0, 1, line.size), line))


def value_at(line: Field, places: Field) -> Field:
    """The value of a line, given at evenly spaced x from 0 to 1, at every one of many places."""
    # Looking up a fine table is ten times as fast as interpolating at every pixel.
    steps = 1024
    table = np.interp(np.linspace(0, 1, steps + 1), np.linspace(0, 1, line.size), line)
    nearest = (np.clip(places, 0, 1) * steps + 0.5).astype(np.int64)
    return table.astype(np.float32)[nearest]
