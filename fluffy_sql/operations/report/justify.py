"""Rows of photos that fill the width."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

# For this width in pixels rows are chosen; in another they are higher or lower. So high they are
# at best, and at most: too few photos to fill a row leave it open.
_WIDTH, _HEIGHT, _TALLEST = 1_376, 180, 240


@dataclass(frozen=True)
class Fit:
    """What a photo takes of its row.

    Attributes:
        share: of the row's width, without gaps.
        in_row: how many photos are in the row.
        grows: whether the row is full.
    """

    share: float
    in_row: int
    grows: bool


def justify(ratios: Sequence[float]) -> list[Fit]:
    """Cuts photos, by their widths for a height of 1, into rows of about the same height."""
    # For each number of photos: the least cost of the first ones, and where their last row begins.
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(ratios) + 1):
        wide = 0.0
        found = []
        for begin in range(end - 1, -1, -1):
            wide += ratios[begin]
            height = _WIDTH / wide
            cost = math.log(height / _HEIGHT) ** 2
            found.append((best[begin][0] + cost, begin))
            if height < _HEIGHT / 2:
                break
        best.append(min(found))
    fits: list[Fit] = []
    end = len(ratios)
    while end:
        row = ratios[best[end][1] : end]
        whole = max(sum(row), _WIDTH / _TALLEST)
        grows = whole == sum(row)
        fits[:0] = [Fit(ratio / whole, len(row), grows) for ratio in row]
        end = best[end][1]
    return fits
