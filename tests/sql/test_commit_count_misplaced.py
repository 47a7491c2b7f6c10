"""The check that every photo is at its nearest centroid."""

import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import LARGEST_ID, add_with_ids, make_assignments, make_clusters, place


def misplaced(
    session: Session,
    cluster_ids: list[int],
    *,
    labels: list[int] | None = None,
    photos: int = LARGEST_ID,
    normalize: bool = False,
    seed: int = 1,
) -> int:
    """Counts; label 0 is the first of the clusters, and so on."""
    count: int = session.fetch_value(
        "commit/count_misplaced",
        labels=list(range(len(cluster_ids))) if labels is None else labels,
        cluster_ids=cluster_ids,
        normalize=normalize,
        seed=seed,
        photos=photos,
    )
    return count


def test_nothing_is_misplaced_where_all_is_right(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [9, 0], 3: [5, 0]})
    make_assignments(session, {1: (0, 1.0), 2: (1, 1.0), 3: (1, 5.0)})
    a, b = make_clusters(session, [[0, 0], [10, 0]])
    place(session, a, 1)
    place(session, b, 2, 3)  # 3 lies in the middle: either is right
    assert misplaced(session, [a, b]) == 0


@pytest.mark.parametrize("normalize", [True, False])
def test_photos_nearer_to_another_centroid_are_counted(session: Session, normalize: bool) -> None:
    add_with_ids(session, {1: [9, 1], 2: [8, 1], 3: [1, 7]})
    make_assignments(session, {1: (0, 0.0), 2: (1, 0.0), 3: (0, 0.0)})
    a, b = make_clusters(session, [[1, 0], [0, 1]])
    place(session, a, 1, 3)
    place(session, b, 2)
    assert misplaced(session, [a, b], normalize=normalize) == 2


def test_only_so_many_photos_are_looked_at(session: Session) -> None:
    ids = range(1, 21)
    add_with_ids(session, {i: [9, 0] for i in ids})
    make_assignments(session, dict.fromkeys(ids, (0, 9.0)))
    a, b = make_clusters(session, [[0, 0], [10, 0]])
    place(session, a, *ids)
    assert misplaced(session, [a, b], photos=4) == 4


def test_another_seed_looks_at_other_photos(session: Session) -> None:
    add_with_ids(session, {1: [9, 0], 2: [1, 0]})
    make_assignments(session, {1: (0, 9.0), 2: (0, 1.0)})
    a, b = make_clusters(session, [[0, 0], [10, 0]])
    place(session, a, 1, 2)
    assert {misplaced(session, [a, b], photos=1, seed=seed) for seed in range(20)} == {0, 1}


def test_clusters_of_other_runs_do_not_matter(session: Session) -> None:
    add_with_ids(session, {1: [9, 0]})
    make_assignments(session, {1: (0, 9.0)})
    older, new = make_clusters(session, [[9, 0], [0, 0]])
    place(session, new, 1)
    assert misplaced(session, [new]) == 0
    assert misplaced(session, [older, new]) == 1


def test_photos_that_were_not_assigned_do_not_matter(session: Session) -> None:
    add_with_ids(session, {1: [9, 0], 2: [9, 0]})
    make_assignments(session, {2: (1, 1.0)})
    a, b = make_clusters(session, [[0, 0], [10, 0]])
    place(session, a, 1)  # not in the work table
    place(session, b, 2)
    assert misplaced(session, [a, b]) == 0


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE photos SET cluster_id = 1 WHERE id = 1",
        "UPDATE photos SET embedding = '[0, 0]' WHERE id = 1",
        "UPDATE photos SET cluster_id = 1, embedding = '[9, 0, 0]' WHERE id = 1",
        "DELETE FROM photos WHERE id = 1",
    ],
)
def test_photos_that_somebody_else_changed_meanwhile_do_not_matter(
    change: str, session: Session, other: Session
) -> None:
    add_with_ids(session, {1: [9, 0], 2: [9, 0], 3: [1, 0]})
    a, b = make_clusters(session, [[0, 0], [10, 0]])
    place(session, b, 1, 2)
    place(session, a, 3)
    make_assignments(session, {1: (1, 1.0), 2: (1, 1.0), 3: (0, 1.0)})
    other.connection.execute(change.encode())
    assert misplaced(session, [a, b]) == 0
    # and those do that are as they were: it is told of them where a cluster is not where it was
    session.connection.execute("UPDATE clusters SET centroid = '[0, 1]' WHERE id = %s", (b,))
    assert misplaced(session, [a, b]) == 1


@pytest.mark.usefixtures("database_url")
def test_a_photo_that_somebody_is_changing_does_not_matter_where_it_was_not_placed(
    session: Session,
) -> None:
    add_with_ids(session, {1: [9, 0], 2: [9, 0]})
    a, b = make_clusters(session, [[0, 0], [10, 0]])
    place(session, a, 1, 2)
    make_assignments(session, {1: (1, 1.0), 2: (1, 1.0)})
    with session.transaction():
        place(session, b, 2)  # 1 was locked, and passed over
        assert misplaced(session, [a, b]) == 0
        place(session, a, 2)  # into the wrong one
        assert misplaced(session, [a, b]) == 1


@pytest.mark.parametrize(("own", "expected"), [(1.0000005, 0), (1.00001, 1)])
def test_a_millionth_is_allowed_for_rounding(session: Session, own: float, expected: int) -> None:
    add_with_ids(session, {1: [0, 0]})
    make_assignments(session, {1: (0, own)})
    a, b = make_clusters(session, [[own, 0], [-1, 0]])
    place(session, a, 1)
    assert misplaced(session, [a, b]) == expected
