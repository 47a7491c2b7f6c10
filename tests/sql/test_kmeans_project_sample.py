"""The sample: drawn photos as they are, or as coordinates and what is left."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import add_with_ids, query, vectors


def project(
    session: Session,
    embeddings: dict[int, list[float]],
    *,
    axes: Sequence[Sequence[float]] = (),
    origin: Sequence[float] = (0, 0),
    normalize: bool = False,
    dimensions: int = 2,
    after_row: int = 0,
    last_row: int = 1_000,
) -> dict[int, Any]:
    """Adds photos, drawn in this order; returns the sample: position to (photo, row)."""
    add_with_ids(session, embeddings)
    session.connection.execute(
        "INSERT INTO work_drawn SELECT place, id"
        " FROM unnest(%s::bigint[]) WITH ORDINALITY AS drawn (id, place)",
        (list(embeddings),),
    )
    parameters: dict[str, Any] = {
        "axes": vectors(session, axes) if axes else session.vector_array(np.empty((0, 1), "f4")),
        "origin": np.array(origin, dtype=np.float32),
    }
    written = session.execute(
        "kmeans/project_sample",
        **parameters,
        normalize=normalize,
        longest=1e17,
        dimensions=dimensions,
        after_row=after_row,
        last_row=last_row,
    )
    found = query(session, "SELECT position, photo_id, embedding FROM work_sample")
    assert written == len(found)
    return {position: (photo, row.tolist()) for position, photo, row in found}


def test_without_axes_rows_are_the_embeddings(session: Session) -> None:
    assert project(session, {7: [3, 4], 5: [1, 2]}) == {1: (7, [3, 4]), 2: (5, [1, 2])}


def test_under_normalize_they_are_unit_vectors(session: Session) -> None:
    expected = [pytest.approx(0.6), pytest.approx(0.8)]
    assert project(session, {1: [3, 4]}, normalize=True) == {1: (1, expected)}


def test_a_row_is_its_coordinates_and_its_distance_from_the_span(session: Session) -> None:
    sample = project(
        session, {1: [3, 4, 12], 2: [5, 0, 0]}, axes=[[1, 0, 0]], origin=[0, 0, 0], dimensions=3
    )
    assert sample == {1: (1, [3, pytest.approx(160**0.5)]), 2: (2, [5, 0])}


def test_coordinates_are_counted_from_the_origin(session: Session) -> None:
    sample = project(session, {1: [103, 204]}, axes=[[0, 1]], origin=[100, 200])
    assert sample == {1: (1, [4, pytest.approx(3)])}


def test_coordinates_come_in_the_order_of_the_axes(session: Session) -> None:
    sample = project(session, {1: [3, 4]}, axes=[[0, 1], [1, 0]])
    assert sample == {1: (1, [4, 3, 0])}


def test_under_normalize_unit_vectors_are_projected(session: Session) -> None:
    sample = project(session, {1: [30, 40]}, axes=[[1, 0]], normalize=True)
    assert sample == {1: (1, [pytest.approx(0.6), pytest.approx(0.8)])}


def test_zero_vectors_are_left_out_under_normalize(session: Session) -> None:
    sample = project(session, {1: [0, 0], 2: [1, 0], 3: [0, 0], 4: [0, 1]}, normalize=True)
    assert {position: photo for position, (photo, _) in sample.items()} == {2: 2, 4: 4}


def test_zero_vectors_are_rows_without_normalize(session: Session) -> None:
    assert set(project(session, {1: [0, 0], 2: [1, 0]})) == {1, 2}


def test_what_is_too_long_to_be_measured_is_left_out_without_normalize(session: Session) -> None:
    photos = {1: [1e17, 0], 2: [1e17, 1e17], 3: [0, -3e38]}
    assert set(project(session, photos)) == {1}


def test_under_normalize_the_longest_is_a_unit_vector(session: Session) -> None:
    assert set(project(session, {1: [3e38, 3e38]}, normalize=True)) == {1}


@pytest.mark.parametrize("normalize", [True, False])
def test_photos_of_other_dimensions_are_left_out(session: Session, normalize: bool) -> None:
    photos = {1: [1.0, 0.0], 2: [1.0, 0.0, 0.0], 3: [1.0], 4: [0.0, 1.0]}
    assert set(project(session, photos, axes=[[1, 0]], normalize=normalize)) == {1, 4}


def test_the_range_begins_after_its_first_number_and_ends_with_its_last(session: Session) -> None:
    photos = {i: [float(i), 1.0] for i in range(11, 16)}
    assert set(project(session, photos, after_row=1, last_row=3)) == {2, 3}


def test_a_photo_that_lost_its_embedding_or_is_gone_is_left_out(session: Session) -> None:
    add_with_ids(session, {90: [1, 0]})
    session.connection.execute("UPDATE photos SET embedding = NULL WHERE id = 90")
    session.connection.execute("INSERT INTO work_drawn VALUES (101, 90), (102, 91)")
    assert set(project(session, {1: [1, 0]})) == {1}
