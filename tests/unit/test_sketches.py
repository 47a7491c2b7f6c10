"""Which photos are proposed by their sketches."""

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.graph.sketches import Fetched, Sketches, unpacked
from fluffy_sql.graph.tuning import Tuning

ALL = 10_000


def sketched(rows: NDArray[np.integer], distances: NDArray[np.integer] | None = None) -> Sketches:
    """Rows of small numbers; the first has no sketch."""
    lengths = np.linalg.norm(rows, axis=1) if distances is None else distances
    fetched = Fetched(
        codes=rows.astype(np.int8),
        distances=lengths.astype(np.int16),
        on_disk=np.zeros(len(rows), "V6"),
        compared=np.arange(len(rows)) > 0,
        step=1.0,
        rounded=rows.shape[1] ** 0.5,
    )
    return Sketches(fetched, Tuning())


def test_coordinates_share_a_byte() -> None:
    packed = np.array([[-127, 5 * 16 + 3 + 8, -8 * 16], [9, -1 * 16 + 7 + 8, 7 * 16 + 15]])
    assert unpacked(packed.astype(np.int8), 1).tolist() == [
        [-127, 5, 3, -8, -8],
        [9, -1, 7, 7, 7],
    ]


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


def test_rows_that_may_be_within_a_distance_are_all_found() -> None:
    generator = np.random.default_rng(2)
    points = generator.normal(scale=40, size=(400, 6))
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    sketches = sketched(np.clip(np.rint(points), -127, 127).astype(np.int64))
    asked = np.array([7, 3, 399], dtype=np.int32)
    distances = np.array([30.0, 60.0, np.inf])
    marks, counts = sketches.within(asked, distances)
    found = [sketches.marked(own) for own in marks]
    for row, distance, near in zip(asked, distances, found, strict=True):
        assert set(near.tolist()) >= set((np.flatnonzero(apart[row, 1:] <= distance) + 1).tolist())
    assert counts.tolist() == [len(near) for near in found]
    assert len(found[0]) < 100
    assert len(found[2]) == 399


def test_ranks_tell_how_many_candidates_find_a_neighbour() -> None:
    sketches = sketched(np.random.default_rng(3).integers(-100, 100, size=(300, 6)))
    asked = np.array([250, 9], dtype=np.int32)
    neighbours = np.array([[1, 5, 250, -1], [9, 2, 4, 299]], dtype=np.int32)
    ranks = sketches.ranks(asked, neighbours, 60)
    assert ranks[0, 2] == ranks[1, 0] == 0
    assert ranks[0, 3] == 300
    for count in (1, 10, 50):
        found = proposed(sketches, count, 60)
        for row, of, own in zip(asked.tolist(), neighbours, ranks, strict=True):
            assert np.array_equal(np.isin(of, found[row]), own < count)
