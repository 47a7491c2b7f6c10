"""Looking among the candidates of a cell, beside looking among all centroids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fluffy_sql.database.vectors import IntegerArray
from tests.sql.helpers import (
    LARGEST_ID,
    add_with_ids,
    assignments,
    hide,
    make_clusters,
    make_sample,
    place,
    query,
    vectors,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fluffy_sql.database.session import Session

# Centroids 0 and 1 lie left, 2 and 3 right; each cell has two candidates, given in any order.
CENTROIDS = [[0, 0], [4, 0], [96, 0], [100, 0]]
CENTERS = [[2, 0], [98, 0]]
CANDIDATES = [[1, 0], [2, 3]]


def looked_up(
    session: Session,
    centroids: Sequence[Sequence[float]] = CENTROIDS,
    candidates: Sequence[Sequence[int]] = CANDIDATES,
) -> dict[str, Any]:
    return {
        "centroids": vectors(session, centroids),
        "labels": IntegerArray.of(np.array(candidates, dtype=np.int32).ravel()),
        "width": len(candidates[0]),
    }


def find_cells(session: Session, *, after_row: int = 0, last_row: int = 1_000) -> dict[int, int]:
    """Position to cell."""
    session.execute("work_tables/drop_sample_cells")
    session.execute("work_tables/create_sample_cells")
    found = session.execute(
        "kmeans/find_cells",
        centers=vectors(session, CENTERS),
        after_row=after_row,
        last_row=last_row,
    )
    session.execute("work_tables/analyze_sample_cells")
    cells = dict(query(session, "SELECT position, cell FROM fluffy_sql_work.sample_cells"))
    assert found == len(cells)
    return cells


def step(session: Session, *, after_row: int = 0, last_row: int = 1_000, **changes: Any) -> Any:
    """Label to (rows, mean, error)."""
    find_cells(session)
    found = session.fetch_all(
        "kmeans/lloyd_step_by_cell",
        **looked_up(session, **changes),
        after_row=after_row,
        last_row=last_row,
    )
    assert len(found) == len({row["label"] for row in found})
    return {row["label"]: (row["rows"], row["mean"].tolist(), row["error"]) for row in found}


def assign(
    session: Session,
    *,
    normalize: bool = False,
    after_id: int = 0,
    last_id: int = LARGEST_ID,
    **changes: Any,
) -> dict[int, tuple[int, float]]:
    """Photo to (label, distance)."""
    session.execute("work_tables/create_assignments")
    written = session.execute(
        "kmeans/assign_photos_by_cell",
        scope=None,
        clustered=False,
        probe=np.array([1, 2], np.float32),
        **looked_up(session, **changes),
        centers=vectors(session, CENTERS),
        normalize=normalize,
        dimensions=2,
        after_id=after_id,
        last_id=last_id,
    )
    found = assignments(session)
    assert written == len(found)
    return found


def test_each_row_lies_in_the_cell_of_the_nearest_center_the_first_of_equals(
    session: Session,
) -> None:
    make_sample(session, [[0, 0], [99, 5], [50, 0], [51, 0]])
    assert find_cells(session) == {1: 0, 2: 1, 3: 0, 4: 1}
    assert find_cells(session, after_row=1, last_row=3) == {2: 1, 3: 0}


def test_rows_are_counted_averaged_and_their_squared_distances_summed(session: Session) -> None:
    make_sample(session, [[1, 0], [0, 3], [5, 0], [97, 2], [101, 0], [99, 0]])
    assert step(session) == {
        0: (2, [0.5, 1.5], 1 + 9),
        1: (1, [5, 0], 1),
        2: (1, [97, 2], pytest.approx(1 + 4)),
        3: (2, [100, 0], 1 + 1),
    }


def test_a_row_looks_at_no_centroid_but_the_candidates_of_its_cell(session: Session) -> None:
    make_sample(session, [[0, 0], [100, 0]])
    assert set(step(session, candidates=[[1, 2], [2, 1]])) == {1, 2}


def test_the_lowest_label_wins_a_tie(session: Session) -> None:
    make_sample(session, [[2, 0]])
    assert set(step(session)) == {0}
    assert set(
        step(session, centroids=[[9, 9], [0, 0], [4, 0], [4, 0]], candidates=[[3, 2, 1]] * 2)
    )
    assert set(
        step(session, centroids=[[9, 9], [0, 0], [4, 0], [4, 0]], candidates=[[3, 2], [1, 0]])
    ) == {2}


def test_the_range_begins_after_its_first_number_and_ends_with_its_last(session: Session) -> None:
    make_sample(session, [[1, 0], [2, 0], [0, 0], [0, 1]])
    assert step(session, after_row=2, last_row=4) == {0: (2, [0, 0.5], 1)}


def test_an_empty_range_has_no_rows(session: Session) -> None:
    make_sample(session, [[1, 0]])
    assert step(session, after_row=5, last_row=9) == {}


def test_photos_get_the_nearest_candidate_and_its_distance(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [4, 3], 3: [95, 0], 4: [100, 0]})
    assert assign(session) == {1: (0, 1), 2: (1, 3), 3: (2, 1), 4: (3, 0)}


def test_a_photo_looks_at_no_centroid_but_the_candidates_of_its_cell(session: Session) -> None:
    add_with_ids(session, {1: [0, 0], 2: [100, 0]})
    assert assign(session, candidates=[[1], [2]]) == {1: (1, 4), 2: (2, 4)}


def test_only_ids_of_the_range_are_assigned(session: Session) -> None:
    add_with_ids(session, {i: [1, 0] for i in range(1, 6)})
    assert set(assign(session, after_id=1, last_id=3)) == {2, 3}


def test_under_normalize_directions_are_compared_and_zero_has_none(session: Session) -> None:
    add_with_ids(session, {1: [50, 0], 2: [0, 0], 3: [0, 7]})
    found = assign(
        session,
        normalize=True,
        centroids=[[1, 0], [0, 1], [0, -1], [-1, 0]],
        candidates=[[0, 1]] * 2,
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
    everything = [list(range(7)), list(range(6, -1, -1))]
    by_cell = assign(
        session, normalize=normalize, centroids=centroids.tolist(), candidates=everything
    )
    session.execute("work_tables/clear_assignments")
    session.execute(
        "kmeans/assign_photos",
        scope=None,
        clustered=False,
        probe=np.array([1, 2], np.float32),
        centroids=session.vector_array(centroids),
        normalize=normalize,
        dimensions=2,
        after_id=0,
        last_id=LARGEST_ID,
    )
    assert assignments(session) == by_cell
