"""Measuring the recall: how many photos have some nearer centroid than their own."""

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import add_with_ids, make_assignments, vectors


def count(
    session: Session, *, normalize: bool = False, photos: int = 100, seed: int = 1
) -> tuple[int, int]:
    [found] = session.fetch_all(
        "kmeans/count_far_from_nearest",
        centroids=vectors(session, [[0, 0], [10, 0]] if not normalize else [[1, 0], [0, 1]]),
        normalize=normalize,
        dimensions=2,
        seed=seed,
        photos=photos,
    )
    return found["looked_at"], found["missed"]


def test_photos_with_a_nearer_centroid_than_their_own_are_counted(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [9, 0], 3: [2, 0], 4: [5, 0]})
    make_assignments(session, {1: (0, 1.0), 2: (0, 9.0), 3: (1, 8.0), 4: (1, 5.0)})
    assert count(session) == (4, 2)


def test_as_many_are_looked_at_as_asked_for_and_others_with_another_seed(session: Session) -> None:
    add_with_ids(session, {i: [1, 0] for i in range(1, 41)})
    make_assignments(session, {i: ((0, 1.0) if i <= 20 else (1, 9.0)) for i in range(1, 41)})
    missed = [count(session, photos=10, seed=seed) for seed in range(8)]
    assert {looked_at for looked_at, _ in missed} == {10}
    assert len({missed for _, missed in missed}) > 1


def test_under_normalize_directions_are_compared(session: Session) -> None:
    add_with_ids(session, {1: [50, 0], 2: [0, 30]})
    make_assignments(session, {1: (0, 0.0), 2: (0, 2**0.5)})
    assert count(session, normalize=True) == (2, 1)


def test_a_photo_embedded_anew_is_passed_over(session: Session) -> None:
    add_with_ids(session, {1: [3, 3], 2: [1, 0, 0], 3: [1, 0]})
    session.connection.execute("UPDATE photos SET embedding = NULL WHERE id = 3")
    make_assignments(session, {1: (0, 1.0), 2: (0, 1.0), 3: (0, 1.0), 4: (0, 1.0)})
    assert count(session) == (1, 0)


def test_nothing_assigned_counts_nothing(session: Session) -> None:
    make_assignments(session, {})
    assert count(session) == (0, 0)
