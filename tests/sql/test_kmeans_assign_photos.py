"""The final pass: every photo of a range to its nearest centroid."""

from collections.abc import Sequence

import numpy as np
import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import (
    LARGEST_ID,
    add_with_ids,
    assignments,
    hide,
    labels,
    make_clusters,
    place,
    vectors,
)


def assign(
    session: Session,
    centroids: Sequence[Sequence[float]],
    *,
    normalize: bool = False,
    dimensions: int = 2,
    after_id: int = -LARGEST_ID,
    last_id: int = LARGEST_ID,
) -> int:
    return session.execute(
        "kmeans/assign_photos",
        scope=None,
        clustered=False,
        fingerprint_vector=np.arange(1, dimensions + 1, dtype=np.float32),
        centroids=vectors(session, centroids),
        normalize=normalize,
        dimensions=dimensions,
        after_id=after_id,
        last_id=last_id,
    )


def test_each_photo_gets_its_nearest_centroid_and_the_distance_to_it(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [9, 0], 3: [3, 4], 4: [10, 7]})
    assert assign(session, [[0, 0], [10, 0]]) == 4
    assert assignments(session) == {1: (0, 1), 2: (1, 1), 3: (0, 5), 4: (1, 7)}


def test_under_normalize_only_the_direction_counts(session: Session) -> None:
    add_with_ids(session, {1: [300, 0], 2: [0, 0.5], 3: [-2, 0]})
    assign(session, [[1, 0], [0, 1]], normalize=True)
    assert assignments(session) == {1: (0, 0), 2: (1, 0), 3: (1, pytest.approx(2**0.5))}


def test_the_lowest_label_wins_a_tie(session: Session) -> None:
    add_with_ids(session, {1: [5, 0]})
    assign(session, [[99, 99], [10, 0], [0, 0], [10, 0]])
    assert assignments(session) == {1: (1, 5)}


def test_the_range_begins_after_its_first_id_and_ends_with_its_last(session: Session) -> None:
    add_with_ids(session, {i: [i, 0] for i in (-5, 1, 2, 3, 4)})
    assert assign(session, [[0, 0]], after_id=1, last_id=3) == 2
    assert set(assignments(session)) == {2, 3}


def test_adjoining_ranges_assign_every_photo_once(session: Session) -> None:
    add_with_ids(session, {i: [i, 0] for i in (-5, 1, 2, 3, 4)})
    for after_id, last_id in [(-LARGEST_ID, 1), (1, 3), (3, LARGEST_ID)]:
        assign(session, [[0, 0]], after_id=after_id, last_id=last_id)
    assert set(assignments(session)) == {-5, 1, 2, 3, 4}  # `assignments` refuses doubles


@pytest.mark.parametrize(("normalize", "expected"), [(True, {1}), (False, {1, 2})])
def test_zero_vectors_are_left_out_under_normalize_only(
    session: Session, normalize: bool, expected: set[int]
) -> None:
    add_with_ids(session, {1: [1, 0], 2: [0, 0]})
    assert assign(session, [[1, 0]], normalize=normalize) == len(expected)
    assert set(assignments(session)) == expected


def test_a_photo_of_other_dimensions_is_left_alone(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1, 0, 0], 3: [1]})
    assert assign(session, [[0, 0]]) == 1
    assert set(assignments(session)) == {1}


def test_photos_without_embedding_or_with_a_cluster_are_left_out(session: Session) -> None:
    add_with_ids(session, {1: None, 2: [1, 0], 3: [1, 0]})
    place(session, make_clusters(session, [[0, 0]])[0], 2)
    assert assign(session, [[0, 0]]) == 1
    assert set(assignments(session)) == {3}


def test_only_usable_photos_are_assigned(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [9, 0], 3: [8, 0]})
    hide(session, 2)
    assign(session, [[0, 0], [10, 0]])
    assert labels(session) == {1: 0, 3: 1}


# The digest


def digest(session: Session) -> str:
    """Of all that is assigned; the work table is empty afterwards."""
    found: str = session.fetch_value("runs/digest_assignments")
    session.connection.execute("DELETE FROM work_assignments")
    return found


def test_the_digest_tells_libraries_apart(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [0, 2], 3: [3, 3]})
    assign(session, [[0, 0]])
    first = digest(session)
    assign(session, [[5, 5], [1, 1]])
    assert digest(session) == first  # whatever the centroids
    for change in (
        "UPDATE photos SET embedding = '[3, 3.000001]' WHERE id = 3",
        "UPDATE photos SET embedding = '[3, 3]', id = 4 WHERE id = 3",
        "DELETE FROM photos WHERE id = 1",
    ):
        session.connection.execute(change.encode())
        assign(session, [[0, 0]])
        assert digest(session) != first


def test_the_digest_does_not_depend_on_the_order(session: Session) -> None:
    add_with_ids(session, {i: [i, 1] for i in range(1, 50)})
    assign(session, [[0, 0]])
    first = digest(session)
    assign(session, [[0, 0]], after_id=20)
    assign(session, [[0, 0]], last_id=20)
    assert digest(session) == first


def test_nothing_has_a_digest_too(session: Session) -> None:
    assert len(digest(session)) == 32
