"""Photos move to new centroids that are strictly nearer."""

from collections.abc import Sequence

import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import add_with_ids, assignments, hide, make_assignments, vectors


def move(
    session: Session,
    centroids: Sequence[Sequence[float]],
    labels: list[int],
    *,
    normalize: bool = False,
    dimensions: int = 2,
) -> int:
    return session.execute(
        "kmeans/move_to_nearer",
        centroids=vectors(session, centroids),
        labels=labels,
        normalize=normalize,
        dimensions=dimensions,
    )


def test_only_what_is_strictly_nearer_moves(session: Session) -> None:
    add_with_ids(session, {1: [5, 0], 2: [0, 0], 3: [20, 0]})
    make_assignments(session, {1: (0, 3.0), 2: (0, 5.0), 3: (1, 1.0)})
    # Distances to the new centroid: 0, 5 (a tie) and 15.
    assert move(session, [[5, 0]], [7]) == 1
    assert assignments(session) == {1: (7, 0), 2: (0, 5), 3: (1, 1)}


def test_a_photo_moves_to_the_nearest_of_several_new_centroids(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [9, 0]})
    make_assignments(session, {1: (0, 50.0), 2: (0, 50.0)})
    assert move(session, [[10, 0], [0, 0]], [4, 3]) == 2
    assert assignments(session) == {1: (3, 1), 2: (4, 1)}


def test_the_lowest_label_wins_a_tie(session: Session) -> None:
    add_with_ids(session, {1: [5, 0]})
    make_assignments(session, {1: (0, 50.0)})
    move(session, [[0, 0], [10, 0]], [9, 8])
    assert assignments(session) == {1: (8, 5)}


def test_under_normalize_only_the_direction_counts(session: Session) -> None:
    add_with_ids(session, {1: [0, 300]})
    make_assignments(session, {1: (0, 1.0)})
    assert move(session, [[0, 1]], [2], normalize=True) == 1
    assert assignments(session) == {1: (2, 0)}


def test_a_photo_that_was_embedded_anew_with_another_length_stays(session: Session) -> None:
    add_with_ids(session, {1: [5, 0, 0], 2: [5, 0]})
    make_assignments(session, {1: (0, 3.0), 2: (0, 3.0)})
    assert move(session, [[5, 0]], [7]) == 1
    assert assignments(session) == {1: (0, 3), 2: (7, 0)}


@pytest.mark.parametrize("normalize", [True, False])
def test_a_photo_that_lost_its_embedding_stays(session: Session, normalize: bool) -> None:
    add_with_ids(session, {1: [5, 0]})
    session.connection.execute("UPDATE photos SET embedding = NULL")
    make_assignments(session, {1: (0, 3.0)})
    assert move(session, [[1, 0]], [7], normalize=normalize) == 0
    assert assignments(session) == {1: (0, 3)}


def test_photos_without_an_assignment_get_none(session: Session) -> None:
    add_with_ids(session, {1: [5, 0], 2: [5, 0]})
    make_assignments(session, {1: (0, 3.0)})
    move(session, [[5, 0]], [7])
    assert assignments(session) == {1: (7, 0)}


def test_a_photo_that_is_not_usable_any_more_stays(session: Session) -> None:
    add_with_ids(session, {1: [5, 0]})
    make_assignments(session, {1: (0, 3.0)})
    hide(session, 1)
    assert move(session, [[5, 0]], [7]) == 0
    assert assignments(session) == {1: (0, 3)}
