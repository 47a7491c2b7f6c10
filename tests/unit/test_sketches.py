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


def test_the_nearest_sketches_are_proposed() -> None:
    rows = np.random.default_rng(1).integers(-100, 100, size=(300, 6))
    apart = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
    apart[:, 0] = 2**30
    sketches = sketched(rows)
    for cell in range(len(sketches)):
        own = sketches.members(cell)
        found = sketches.candidates(cell, own, 20, ALL)
        for row, near in zip(own, found, strict=True):
            assert apart[row, near].max() <= np.sort(apart[row])[21]
        # Those of the nearest cells alone are fewer.
        assert sketches.candidates(cell, own, ALL, 30).shape[1] < 150


def test_of_equal_photos_the_lowest_are_proposed() -> None:
    sketches = sketched(np.ones((3_000, 4), np.int64))
    found = [
        sketches.candidates(cell, sketches.members(cell), 5, 100) for cell in range(len(sketches))
    ]
    assert set(np.concatenate(found).ravel().tolist()) == {1, 2, 3, 4, 5}


def test_what_is_left_beyond_the_coordinates_counts_half() -> None:
    rows = np.array([[0, 0], [0, 0], [3, 0], [0, 0]])
    for left, nearest in ((4, 3), (5, 2)):  # half of 16 is less than 9, half of 25 more
        sketches = sketched(rows, np.array([0, 0, 3, left]))
        assert sketches.candidates(0, np.array([1], np.int32), 2, ALL).tolist()[0] == [1, nearest]
