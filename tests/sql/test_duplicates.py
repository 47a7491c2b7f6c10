"""Statements and the view of near-duplicates, each by hand-computed answers."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pytest

from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import IntegerArray
from tests.sql.helpers import add_with_ids, hide, make_assignments, query
from tests.sql.test_scopes import give_scopes


def note(session: Session, photo_ids: Iterable[int]) -> None:
    """Photos at positions 1, 2, ..., as they are now."""
    for position, photo_id in enumerate(photo_ids, start=1):
        session.connection.execute("INSERT INTO work_drawn VALUES (%s, %s)", (position, photo_id))
        make_assignments(session, {photo_id: (-1, 0)})


def add(session: Session, photos: Mapping[int, Sequence[float]]) -> None:
    """Photos, and the same noted."""
    add_with_ids(session, photos)
    note(session, photos)


def write(session: Session, groups: Sequence[int], *, normalize: bool = False) -> int:
    """Groups of the first photos, by their numbers."""
    return session.execute(
        "duplicates/write_groups",
        positions=IntegerArray.of(np.arange(1, len(groups) + 1, dtype=np.int32)),
        groups=IntegerArray.of(np.array(groups, dtype=np.int32)),
        normalize=normalize,
        dimensions=2,
    )


def written(session: Session) -> list[tuple[int, int, int, float]]:
    return query(
        session,
        "SELECT photo_id, group_id, rank, distance FROM photo_duplicates ORDER BY group_id, rank",
    )


def current(session: Session) -> list[tuple[int, int, int, int]]:
    return query(
        session,
        "SELECT photo_id, group_id, rank, photos FROM current_duplicates ORDER BY group_id, rank",
    )


def test_the_most_central_photo_is_the_best(session: Session) -> None:
    add(session, {7: [0, 0], 5: [1, 0], 4: [3, 0], 9: [50, 1], 8: [50, 2], 1: [99, 0]})
    assert write(session, [1, 1, 1, 6, 6, 2]) == 5
    assert written(session) == [
        (5, 5, 1, 0),
        (7, 5, 2, 1),
        (4, 5, 3, 2),
        (8, 8, 1, 0),
        (9, 8, 2, 1),
    ]
    assert session.fetch_all("duplicates/count_groups") == [{"groups": 2, "photos": 5}]
    listed = session.fetch_all("duplicates/list_groups", most=1)
    assert [(row["photo_id"], row["path"], row["photos"]) for row in listed] == [
        *[(5, "p5", 3), (7, "p7", 3), (4, "p4", 3)]
    ]
    assert session.execute("duplicates/forget_groups") == 5
    assert session.fetch_all("duplicates/list_groups", most=9) == []


def test_distances_are_those_of_the_metric(session: Session) -> None:
    add_with_ids(session, {1: [3, 0], 2: [0, 2]})
    note(session, [1, 2])
    write(session, [0, 0], normalize=True)
    [_, (photo_id, _, _, distance)] = written(session)
    assert photo_id == 2
    assert distance == pytest.approx(1)


def test_equal_photos_are_ranked_by_their_ids(session: Session) -> None:
    add(session, {3: [1, 2], 1: [1, 2], 2: [1, 2]})
    write(session, [4, 4, 4])
    assert written(session) == [(1, 1, 1, 0), (2, 1, 2, 0), (3, 1, 3, 0)]


def test_photos_that_changed_since_they_were_compared_are_left_out(session: Session) -> None:
    add(session, {1: [0, 0], 2: [1, 0], 3: [2, 0], 4: [9, 0], 5: [9, 1], 6: [7, 0], 7: [7, 1]})
    # in one transaction, a row that is changed keeps its version
    session.connection.execute("UPDATE work_assignments SET row_version = '1' WHERE photo_id = 2")
    session.connection.execute("UPDATE photos SET embedding = '[1, 2, 3]' WHERE id = 5")
    session.connection.execute("DELETE FROM photos WHERE id = 6")
    write(session, [1, 1, 1, 2, 2, 3, 3])
    assert [row[0] for row in written(session)] == [1, 3]


def test_the_view_shows_what_is_left_of_groups(session: Session) -> None:
    add(
        session,
        {photo_id: [photo_id // 10, photo_id % 10] for photo_id in (*range(10, 14), 20, 21)},
    )
    write(session, [1, 1, 1, 1, 2, 2])
    assert current(session) == [
        *[(11, 11, 1, 4), (12, 11, 2, 4), (10, 11, 3, 4), (13, 11, 4, 4)],
        *[(20, 20, 1, 2), (21, 20, 2, 2)],
    ]
    session.connection.execute("UPDATE photos SET embedding = '[8, 8]' WHERE id = 20")
    session.connection.execute("UPDATE photos SET path = 'moved' WHERE id = 13")
    session.connection.execute("DELETE FROM photos WHERE id = 11")
    assert current(session) == [(12, 12, 1, 3), (10, 12, 2, 3), (13, 12, 3, 3)]
    hide(session, 12)
    assert current(session) == [(10, 10, 1, 2), (13, 10, 2, 2)]


def test_the_view_keeps_owners_apart(session: Session) -> None:
    add(session, {1: [0, 0], 2: [0, 1], 3: [0, 2], 4: [0, 3], 5: [0, 4]})
    write(session, [1] * 5)
    give_scopes(session, {1: 7, 2: 7, 4: None, 5: None, 3: 8})
    assert [row[:2] for row in current(session)] == [(2, 2), (1, 2), (4, 4), (5, 4)]
