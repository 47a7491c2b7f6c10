"""Cuts rows into ranges that connections share."""

from itertools import pairwise


def row_ranges(rows: int, most_ranges: int, about_rows: int) -> list[tuple[int, int]]:
    """Cuts rows 1 to `rows` into ranges (after, last] of equal length.

    As many as it takes for none to be longer than `about_rows`, but no more than `most_ranges`.
    The cut depends on the number of rows alone and never on the number of connections: partial
    averages are merged in the order of the ranges, so a seed gives one result on any machine.
    """
    pieces = max(1, min(most_ranges, -(-rows // about_rows)))
    bounds = [rows * piece // pieces for piece in range(pieces + 1)]
    return list(pairwise(bounds))
