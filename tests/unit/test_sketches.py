"""Which photos are proposed by their sketches."""

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.graph.sketches import Sketches, sketch_kind
from fluffy_sql.graph.tuning import Tuning

ALL = 10_000


def sketched(rows: NDArray[np.integer], distances: NDArray[np.integer] | None = None) -> Sketches:
    """Rows of small numbers; the first has no sketch."""
    sketches = np.zeros(len(rows), sketch_kind(rows.shape[1]))
    sketches["codes"] = rows
    sketches["distance"] = np.linalg.norm(rows, axis=1) if distances is None else distances
    compared = np.ones(len(rows), np.bool_)
    compared[0] = False
    return Sketches(sketches, compared, Tuning())


def test_every_row_with_a_sketch_is_in_one_cell() -> None:
    sketches = sketched(np.random.default_rng(0).integers(-100, 100, size=(500, 6)))
    members = np.concatenate([sketches.members(cell) for cell in range(len(sketches))])
    assert np.sort(members).tolist() == list(range(1, 500))


def proposed(sketches: Sketches, count: int, around: int = ALL) -> dict[int, list[int]]:
    """The candidates of each row."""
    return {
        row: near
        for cell in range(len(sketches))
        for rows, found in sketches.candidates(cell, count, around)
        for row, near in zip(rows.tolist(), found.tolist(), strict=True)
    }


def test_the_nearest_sketches_are_proposed() -> None:
    rows = np.random.default_rng(1).integers(-100, 100, size=(300, 6))
    apart = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
    apart[:, 0] = 2**30
    sketches = sketched(rows)
    found = proposed(sketches, 20)
    assert sorted(found) == list(range(1, 300))
    for row, near in found.items():
        # Distances from the origin are whole numbers, so the order is nearly that of distances.
        assert apart[row, near].max() <= np.sort(apart[row])[22]
    # Those of the nearest cells alone are fewer.
    assert all(len(near) < 150 for near in proposed(sketches, ALL, 30).values())


def test_of_equal_photos_the_lowest_are_proposed() -> None:
    found = proposed(sketched(np.ones((3_000, 4), np.int64)), 5, 100)
    assert {*map(tuple, map(sorted, found.values()))} == {(1, 2, 3, 4, 5)}


def test_what_is_left_beyond_the_coordinates_counts_half() -> None:
    rows = np.array([[0, 0], [0, 0], [3, 0], [0, 0]])
    for left, nearest in ((4, 3), (5, 2)):  # half of 16 is less than 9, half of 25 more
        found = proposed(sketched(rows, np.array([0, 0, 3, left])), 2)
        assert sorted(found[1]) == [1, nearest]
