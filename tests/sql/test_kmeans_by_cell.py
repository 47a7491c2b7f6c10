"""Looking among the candidates of cells, beside looking among all centroids."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from fluffy_sql.postgres.centroids import candidate_params
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import IntegerArray
from fluffy_sql.postgres.work_tables import empty
from tests.sql.helpers import (
    LARGEST_ID,
    add_with_ids,
    assignments,
    hide,
    make_clusters,
    make_sample,
    place,
    value,
    vectors,
)

# Centroids 0 and 1 lie left, 2 and 3 right, 4 far off. Each cell has two candidates, in any order.
CENTROIDS = [[0, 0], [4, 0], [96, 0], [100, 0], [900, 0]]
CENTERS = [[2, 0], [98, 0], [900, 0]]
CANDIDATES = [[1, 0], [2, 3], [4, 4]]


def candidates_in(
    session: Session,
    centroids: Sequence[Sequence[float]] = CENTROIDS,
    candidates: Sequence[Sequence[int]] = CANDIDATES,
) -> dict[str, Any]:
    return candidate_params(
        session, np.array(centroids, dtype=np.float32), np.array(candidates, dtype=np.int32)
    )


def find_labels(
    session: Session,
    *,
    centers: Sequence[Sequence[float]] = CENTERS,
    after_row: int = 0,
    last_row: int = 1_000,
    **changes: Any,
) -> dict[int, int]:
    """Place in the range to label."""
    found = session.fetch_all(
        "kmeans/find_labels",
        **candidates_in(session, **changes),
        centers=vectors(session, centers),
        after_row=after_row,
        last_row=last_row,
    )
    assert len(found) == len({row["label"] for row in found})
    return {int(place): row["label"] for row in found for place in row["places"]}


def step(
    session: Session, cells: Sequence[int], *, after_row: int = 0, **changes: Any
) -> dict[int, Any]:
    """Label to (rows, mean, error, places)."""
    found = session.fetch_all(
        "kmeans/lloyd_step_by_cell",
        **candidates_in(session, **changes),
        cells=IntegerArray.of(np.array(cells, dtype=np.int32)),
        after_row=after_row,
        last_row=after_row + len(cells),
        starts=[1],
    )
    assert len(found) == len({row["label"] for row in found})
    return {
        row["label"]: (row["rows"], row["mean"].tolist(), row["error"], sorted(row["places"]))
        for row in found
    }


def assign_sample(
    session: Session,
    cells: Sequence[int],
    *,
    normalize: bool = False,
    scope: int | None = None,
    clustered: bool = False,
    after_row: int = 0,
    **changes: Any,
) -> dict[int, tuple[int, float]]:
    """Photo to (label, distance)."""
    written = session.execute(
        "kmeans/assign_sample",
        **candidates_in(session, **changes),
        cells=IntegerArray.of(np.array(cells, dtype=np.int32)),
        scope=scope,
        clustered=clustered,
        fingerprint_vector=np.array([1, 2], np.float32),
        normalize=normalize,
        dimensions=2,
        after_row=after_row,
        last_row=after_row + len(cells),
    )
    found = assignments(session)
    assert written == len(found)
    return found


def draw(session: Session, photo_ids: Sequence[int]) -> None:
    """Says that these photos were drawn, in this order."""
    for position, photo_id in enumerate(photo_ids, start=1):
        session.connection.execute("INSERT INTO work_drawn VALUES (%s, %s)", (position, photo_id))


def assign(
    session: Session,
    *,
    normalize: bool = False,
    after_id: int = 0,
    last_id: int = LARGEST_ID,
    drawn: Sequence[int] = (),
    assigned: int = 0,
    **changes: Any,
) -> dict[int, tuple[int, float]]:
    """Photo to (label, distance)."""
    draw(session, drawn)
    written = session.execute(
        "kmeans/assign_photos_by_cell",
        scope=None,
        clustered=False,
        fingerprint_vector=np.array([1, 2], np.float32),
        **candidates_in(session, **changes),
        centers=vectors(session, CENTERS),
        normalize=normalize,
        dimensions=2,
        after_id=after_id,
        last_id=last_id,
        assigned=assigned,
    )
    found = assignments(session)
    assert written == len(found)
    return found


def test_a_row_finds_the_nearest_candidate_of_its_two_nearest_cells(session: Session) -> None:
    make_sample(session, [[0, 0], [99, 5], [5, 0], [800, 0]])
    assert find_labels(session) == {1: 0, 2: 3, 3: 1, 4: 4}
    # 2 is the nearest of the second cell, and nearer than all of the first; 4 is of the third.
    assert find_labels(session, candidates=[[0, 1], [2, 2], [4, 4]])[3] == 1
    assert find_labels(session, candidates=[[4, 4], [2, 3], [0, 1]])[1] == 2


def test_the_first_of_equals_is_found_and_places_are_counted_in_the_range(session: Session) -> None:
    make_sample(session, [[99, 0], [2, 0], [4, 0]])
    assert find_labels(session, after_row=1, last_row=3) == {1: 0, 2: 1}
    same = [[7, 0], [0, 0], [4, 0], [4, 0], [9, 9]]
    assert find_labels(session, centroids=same, candidates=[[3, 2]] * 3)[3] == 2


def test_rows_are_counted_averaged_and_their_squared_distances_summed(session: Session) -> None:
    make_sample(session, [[1, 0], [0, 3], [5, 0], [97, 2], [101, 0], [99, 0]])
    assert step(session, [0, 0, 0, 1, 1, 1]) == {
        0: (2, [0.5, 1.5], 1 + 9, [1, 2]),
        1: (1, [5, 0], 1, [3]),
        2: (1, [97, 2], pytest.approx(1 + 4), [4]),
        3: (2, [100, 0], 1 + 1, [5, 6]),
    }


def test_a_row_looks_at_no_centroid_but_the_candidates_of_its_cell(session: Session) -> None:
    make_sample(session, [[0, 0], [100, 0]])
    assert set(step(session, [1, 0])) == {1, 2}


def test_the_lowest_label_of_equals_is_taken(session: Session) -> None:
    make_sample(session, [[2, 0]])
    assert set(step(session, [0])) == {0}
    same = [[9, 9], [0, 0], [4, 0], [4, 0]]
    assert set(step(session, [0], centroids=same, candidates=[[3, 2, 1]])) == {1}
    assert set(step(session, [0], centroids=same, candidates=[[3, 2]])) == {2}


def test_the_range_begins_after_its_first_number_and_ends_with_its_last(session: Session) -> None:
    make_sample(session, [[1, 0], [2, 0], [0, 0], [0, 1], [4, 0]])
    assert step(session, [0, 0], after_row=2) == {0: (2, [0, 0.5], 1, [1, 2])}


def test_a_position_without_a_row_does_not_shift_the_cells_of_others(session: Session) -> None:
    make_sample(session, [[1, 0], [2, 0], [97, 0]])
    session.connection.execute("DELETE FROM work_sample WHERE position = 2")
    assert step(session, [0, 0, 1]) == {0: (1, [1, 0], 1, [1]), 2: (1, [97, 0], 1, [3])}


def test_an_empty_range_has_no_rows(session: Session) -> None:
    make_sample(session, [[1, 0]])
    assert step(session, [0, 0], after_row=5) == {}


@pytest.mark.parametrize("dimensions", [1, 3, 700, 9_000, 16_000])
def test_centroids_are_told_apart_however_many_lie_end_to_end(
    session: Session, dimensions: int
) -> None:
    """Of 16,000 numbers only one fits a vector, of 9,000 too, of 700 there are 22 in each."""
    generator = np.random.default_rng(dimensions)
    centroids = generator.normal(size=(50, dimensions)).astype(np.float32)
    for position, centroid in enumerate(centroids, start=1):
        session.connection.execute(
            "INSERT INTO work_sample VALUES (%s, %s, %s)", (position, position, centroid)
        )
    found = step(
        session, [0] * 50, centroids=centroids.tolist(), candidates=[list(range(49, -1, -1))]
    )
    assert {label: places for label, (_, _, _, places) in found.items()} == {
        label: [label + 1] for label in range(50)
    }


def test_photos_of_the_sample_get_the_nearest_candidate_and_its_distance(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [4, 3], 3: [95, 0], 4: [100, 0]})
    # What is in the sample is not looked at: it may have other dimensions.
    make_sample(session, [[7]] * 4, photo_ids=[4, 2, 3, 1])
    assert assign_sample(session, [1, 0, 1, 0]) == {1: (0, 1), 2: (1, 3), 3: (2, 1), 4: (3, 0)}


def test_a_photo_of_the_sample_looks_at_the_candidates_of_its_cell_alone(session: Session) -> None:
    add_with_ids(session, {1: [0, 0], 2: [0, 0], 3: [1, 0]})
    make_sample(session, [[0]] * 3)
    assert assign_sample(session, [1, 0], after_row=1) == {2: (2, 96), 3: (0, 1)}


def test_under_normalize_directions_of_the_sample_are_compared(session: Session) -> None:
    add_with_ids(session, {1: [50, 0], 2: [0, 0], 3: [0, 7]})
    make_sample(session, [[0]] * 3)
    found = assign_sample(
        session, [0, 0, 0], normalize=True, centroids=[[1, 0], [0, 1]], candidates=[[0, 1]]
    )
    assert found == {1: (0, 0), 3: (1, 0)}


def test_photos_of_the_sample_that_changed_meanwhile_are_left_alone(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1, 0], 3: [1, 0, 0], 4: [1, 0], 5: [1, 0]})
    make_sample(session, [[0]] * 6)
    session.connection.execute("UPDATE photos SET embedding = NULL WHERE id = 2")
    place(session, make_clusters(session, [[1, 0]])[0], 4)
    hide(session, 5)
    cells = [0] * 6  # the photo of the last was deleted
    assert set(assign_sample(session, cells)) == {1}
    empty(session, "work_assignments")
    assert set(assign_sample(session, cells, clustered=True)) == {1, 4}
    empty(session, "work_assignments")
    assert assign_sample(session, cells, scope=7) == {}


def test_a_photo_of_the_sample_keeps_the_version_that_was_looked_at(session: Session) -> None:
    add_with_ids(session, {1: [3, 4]})
    make_sample(session, [[0]])
    assign_sample(session, [0])
    version = "SELECT (SELECT row_version FROM work_assignments) = xmin FROM photos"
    assert value(session, version)
    assert value(session, "SELECT fingerprint FROM work_assignments") == -(3 + 8)


def test_photos_get_the_nearest_candidate_and_its_distance(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [4, 3], 3: [95, 0], 4: [100, 0]})
    assert assign(session) == {1: (0, 1), 2: (1, 3), 3: (2, 1), 4: (3, 0)}


def test_a_photo_looks_at_no_centroid_but_the_candidates_of_its_two_nearest_cells(
    session: Session,
) -> None:
    add_with_ids(session, {1: [0, 0], 2: [100, 0]})
    assert assign(session, candidates=[[1], [2], [4]]) == {1: (1, 4), 2: (2, 4)}


def test_only_ids_of_the_range_are_assigned(session: Session) -> None:
    add_with_ids(session, {i: [1, 0] for i in range(1, 6)})
    assert set(assign(session, after_id=1, last_id=3)) == {2, 3}


def test_photos_that_the_sample_has_are_passed_over(session: Session) -> None:
    add_with_ids(session, {i: [1, 0] for i in range(1, 6)})
    assert set(assign(session, drawn=[4, 2, 5], assigned=2)) == {1, 3, 5}
    empty(session, "work_assignments", "work_drawn")
    assert set(assign(session, drawn=[4, 2, 5], assigned=2, after_id=2, last_id=4)) == {3}


def test_under_normalize_directions_are_compared_and_zero_has_none(session: Session) -> None:
    add_with_ids(session, {1: [50, 0], 2: [0, 0], 3: [0, 7]})
    found = assign(
        session,
        normalize=True,
        centroids=[[1, 0], [0, 1], [0, -1], [-1, 0]],
        candidates=[[0, 1]] * 3,
    )
    assert found == {1: (0, 0), 3: (1, 0)}


def test_photos_that_are_not_to_be_clustered_are_left_alone(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1, 0], 3: [1, 0, 0], 4: [1, 0], 5: [1, 0]})
    session.connection.execute("UPDATE photos SET embedding = NULL WHERE id = 2")
    place(session, make_clusters(session, [[1, 0]])[0], 4)
    hide(session, 5)
    assert set(assign(session)) == {1}


@pytest.mark.parametrize("normalize", [True, False])
def test_with_all_centroids_as_candidates_it_does_what_looking_at_all_does(
    session: Session, normalize: bool
) -> None:
    generator = np.random.default_rng(0)
    add_with_ids(session, {i: generator.normal(size=2).tolist() for i in range(1, 60)})
    centroids = generator.normal(size=(7, 2)).astype(np.float32)
    everything = [list(range(7)), list(range(6, -1, -1)), list(range(7))]
    by_cell = assign(
        session, normalize=normalize, centroids=centroids.tolist(), candidates=everything
    )
    empty(session, "work_assignments")
    session.execute(
        "kmeans/assign_photos",
        scope=None,
        clustered=False,
        fingerprint_vector=np.array([1, 2], np.float32),
        centroids=session.vector_array(centroids),
        normalize=normalize,
        dimensions=2,
        after_id=0,
        last_id=LARGEST_ID,
    )
    assert assignments(session) == by_cell
