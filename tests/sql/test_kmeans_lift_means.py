"""Lifting: means of the photos themselves, by the nearest centroid of their row in the sample."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from fluffy_sql.postgres.centroids import candidate_params
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import IntegerArray
from tests.sql.helpers import add_with_ids, make_sample, vectors

by_cell_or_not = pytest.mark.parametrize("by_cell", [False, True])


def lift(
    session: Session,
    centroids: Sequence[Sequence[float]],
    *,
    by_cell: bool,
    normalize: bool = False,
    after_row: int = 0,
    last_row: int = 1_000,
) -> dict[int, Any]:
    """Label to (rows, mean)."""
    rows = last_row - after_row
    looked_up: dict[str, Any] = {"centroids": vectors(session, centroids), "followed": True}
    if by_cell:  # one cell, whose candidates are all
        looked_up = candidate_params(
            session,
            np.array(centroids, dtype=np.float32),
            np.arange(len(centroids), dtype=np.int32)[None],
        )
        looked_up["cells"] = IntegerArray.of(np.zeros(rows, dtype=np.int32))
    found = session.fetch_all(
        "kmeans/full_dimension_means_by_cell" if by_cell else "kmeans/full_dimension_means",
        **looked_up,
        normalize=normalize,
        dimensions=2,
        after_row=after_row,
        last_row=last_row,
        starts=[1],
    )
    assert len(found) == len({row["label"] for row in found})
    places = [place for row in found for place in row["places"]]
    assert len(places) == len(set(places)) == sum(row["rows"] for row in found)
    assert all(0 < place <= rows for place in places)
    return {row["label"]: (row["rows"], row["mean"].tolist()) for row in found}


@by_cell_or_not
def test_photos_are_averaged_by_the_label_of_their_row(session: Session, by_cell: bool) -> None:
    add_with_ids(session, {1: [0, 100], 2: [2, 300], 3: [10, 7]})
    make_sample(session, [[0], [1], [9]])
    assert lift(session, [[50], [10], [0]], by_cell=by_cell) == {2: (2, [1, 200]), 1: (1, [10, 7])}


@by_cell_or_not
def test_the_lowest_label_wins_a_tie(session: Session, by_cell: bool) -> None:
    add_with_ids(session, {1: [0, 100]})
    make_sample(session, [[5]])
    assert set(lift(session, [[99], [10], [0]], by_cell=by_cell)) == {1}


@by_cell_or_not
def test_under_normalize_unit_vectors_are_averaged(session: Session, by_cell: bool) -> None:
    add_with_ids(session, {1: [9, 0], 2: [0, 2]})
    make_sample(session, [[1], [1]])
    assert lift(session, [[0]], by_cell=by_cell, normalize=True) == {0: (2, [0.5, 0.5])}


@by_cell_or_not
def test_the_range_begins_after_its_first_number_and_ends_with_its_last(
    session: Session, by_cell: bool
) -> None:
    add_with_ids(session, {i: [i, 0] for i in range(1, 6)})
    make_sample(session, [[0]] * 5)
    assert lift(session, [[0]], by_cell=by_cell, after_row=1, last_row=3) == {0: (2, [2.5, 0])}


@by_cell_or_not
def test_a_photo_that_changed_meanwhile_is_passed_over(session: Session, by_cell: bool) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1, 0, 0], 3: [3, 0]})
    session.connection.execute("UPDATE photos SET embedding = NULL WHERE id = 3")
    make_sample(session, [[0], [0], [0], [0]], photo_ids=[1, 2, 3, 4])
    assert lift(session, [[0]], by_cell=by_cell) == {0: (1, [1, 0])}
