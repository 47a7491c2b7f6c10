"""Statements and the view of near-duplicates, each by hand-computed answers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import IntegerArray
from tests.sql.helpers import (
    add_with_ids,
    assignments,
    hide,
    labels,
    make_assignments,
    make_clusters,
    place,
    query,
    value,
    vectors,
)
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


def test_the_largest_picture_is_the_best_if_sizes_are_known(session: Session) -> None:
    add(session, {photo_id: [photo_id, 0] for photo_id in range(1, 6)})
    for photo_id, width, size in ((1, 640, 9), (2, 800, 5), (4, 800, 6), (5, None, 9)):
        session.connection.execute(
            "INSERT INTO photo_files (photo_id, bytes, modified, width, height)"
            " VALUES (%s, %s, 0, %s, 600)",
            (photo_id, size, width),
        )
    write(session, [1] * 5)
    assert [row[0] for row in written(session)] == [4, 2, 1, 5, 3]


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


def set_aside(session: Session, *, clustered: bool) -> dict[int, int]:
    """Who follows whom."""
    rows = session.fetch_all("duplicates/set_aside", clustered=clustered)
    found = dict(query(session, "SELECT photo_id, best_id FROM work_duplicates"))
    assert sum(row["photos"] for row in rows) == len(found)
    session.connection.execute("DELETE FROM work_duplicates")
    return found


def test_all_but_the_best_of_those_to_be_clustered_are_set_aside(session: Session) -> None:
    add(session, {photo_id: [photo_id, 0] for photo_id in (10, 11, 12, 20, 21, 30)})
    write(session, [1, 1, 1, 2, 2, 3])
    assert set_aside(session, clustered=False) == {10: 11, 12: 11, 21: 20}
    [cluster_id] = make_clusters(session, [[1, 0]])
    place(session, cluster_id, 11, 21)
    assert set_aside(session, clustered=False) == {12: 10}
    assert set_aside(session, clustered=True) == {10: 11, 12: 11, 21: 20}
    give_scopes(session, {10: 7, 11: 7, 12: 7})
    rows = session.fetch_all("duplicates/set_aside", clustered=True)
    assert sorted((row["scope"] or 0, row["photos"]) for row in rows) == [(0, 1), (7, 2)]


def follow(session: Session) -> int:
    return session.execute(
        "duplicates/follow",
        labels=[3, 4, -1],
        scopes=[None, 7, None],
        centroids=vectors(session, [[0, 1], [0, 2]]),
        fingerprint_vector=np.array([1, 2], np.float32),
        normalize=False,
        clustered=False,
    )


def test_who_was_set_aside_gets_the_label_of_the_best(session: Session) -> None:
    add(session, {photo_id: [0, photo_id] for photo_id in range(1, 10)})
    write(session, [1] * 9)
    session.connection.execute("DELETE FROM work_assignments")
    make_assignments(session, {1: (3, 0), 2: (9, 0), 8: (-1, 0)})
    for photo_id, best_id in {2: 1, 3: 1, 4: 1, 5: 1, 6: 7, 9: 8}.items():
        session.connection.execute(
            "INSERT INTO work_duplicates VALUES (%s, %s)", (photo_id, best_id)
        )
    session.connection.execute("UPDATE photos SET embedding = '[5, 5]' WHERE id = 4")
    [cluster_id] = make_clusters(session, [[1, 0]])
    place(session, cluster_id, 5)
    assert session.execute("duplicates/unlabel") == 1
    assert follow(session) == 3
    found = {1: (3, 0), 2: (3, 1), 3: (3, 2), 8: (-1, 0), 9: (-1, None)}
    assert assignments(session) == found
    assert session.fetch_value("duplicates/count_left") == 2
    fingerprint = "SELECT fingerprint FROM work_assignments WHERE photo_id = 3"
    assert value(session, fingerprint) == -6
    assert value(
        session,
        "SELECT bool_and(row_version = xmin_of) FROM work_assignments"
        " JOIN (SELECT id, xmin AS xmin_of FROM photos) AS of ON id = photo_id",
    )


def test_who_got_another_owner_does_not_follow(session: Session) -> None:
    add(session, {1: [0, 1], 2: [0, 2]})
    write(session, [1, 1])
    session.connection.execute("DELETE FROM work_assignments WHERE photo_id = 2")
    session.connection.execute("UPDATE work_assignments SET label = 3")
    session.connection.execute("INSERT INTO work_duplicates VALUES (2, 1)")
    give_scopes(session, {2: 7})
    assert follow(session) == 0


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        ("kmeans/draw_photos", {"seed": 0, "scope": None, "sample_size": 9}),
        ("graph/note_photos", {"scopes": [], "unscoped": True}),
        (
            "kmeans/assign_photos",
            {
                "centroids": [[1, 0]],
                "fingerprint_vector": np.array([1, 2], np.float32),
                "normalize": False,
                "dimensions": 2,
                "scope": None,
                "after_id": 0,
                "last_id": 9,
            },
        ),
    ],
)
def test_who_is_set_aside_is_not_clustered(
    statement: str, parameters: dict[str, Any], session: Session
) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1, 0], 3: [0, 1]})
    session.connection.execute("INSERT INTO work_duplicates VALUES (2, 1)")
    if "centroids" in parameters:
        parameters = {**parameters, "centroids": vectors(session, parameters["centroids"])}
    assert session.execute(statement, **parameters, clustered=False) == 2


def test_who_is_set_aside_is_in_no_scope_that_is_drawn(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1, 0], 3: [0, 1]})
    session.connection.execute("INSERT INTO work_duplicates VALUES (2, 1)")
    drawn = {"seed": 0, "scopes": [], "unscoped": True, "clustered": False}
    assert session.fetch_all("kmeans/draw_scopes", **drawn)[0]["last_row"] == 2


def test_new_photos_go_where_the_best_of_their_group_is_or_goes(session: Session) -> None:
    """Groups 1: one is clustered; 2: the best one is in a cluster that takes none; 3: all new."""
    photo_ids = [11, 12, 13, 21, 22, 23, 31, 32, 33, 41]
    add(session, {photo_id: [photo_id, 0] for photo_id in photo_ids})
    write(session, [1, 1, 1, 2, 2, 2, 3, 3, 3, 4])
    assert [row[:2] for row in current(session) if row[2] == 1] == [(12, 12), (22, 22), (32, 32)]
    takes, retired = make_clusters(session, [[1, 0], [0, 1]])
    place(session, takes, 13)
    place(session, retired, 22)
    session.connection.execute("DELETE FROM work_assignments")
    make_assignments(session, dict.fromkeys((11, 12, 21, 31), (5, 1.0)))
    make_assignments(session, {23: (6, 1), 32: (7, 1), 33: (-1, 1), 41: (5, 1)})
    for position, photo_id in enumerate([11, 12, 21, 23, 31, 32, 33, 41]):
        session.connection.execute(
            "INSERT INTO work_candidates (position, photo_id) VALUES (%s, %s)", (position, photo_id)
        )
    moved = session.execute("assign/follow_best", cluster_ids=[takes], labels=[8])
    assert moved == 5
    found = labels(session)
    assert [found[photo_id] for photo_id in (11, 12, 21, 23)] == [8, 8, 5, 5]
    assert [found[photo_id] for photo_id in (31, 32, 33, 41)] == [7, 7, 7, 5]


def test_a_report_shows_the_largest_groups_of_a_scope(session: Session) -> None:
    add(session, {photo_id: [photo_id, 0] for photo_id in (1, 2, 3, 11, 12, 21, 22, 23, 24)})
    write(session, [1, 1, 1, 2, 2, 3, 3, 3, 3])

    def listed(most_groups: int, most_photos: int, scope: int | None = None) -> list[list[Any]]:
        rows = session.fetch_all(
            "report/list_duplicates",
            every_scope=scope is None,
            scope=scope,
            most_groups=most_groups,
            most_photos=most_photos,
        )
        names = ("groups", "photos_in_groups", "group_id", "photos", "photo_id", "path", "rank")
        return [[row[name] for name in names] for row in rows]

    assert listed(2, 2) == [
        [3, 9, 22, 4, 22, "p22", 1],
        [3, 9, 22, 4, 23, "p23", 2],
        [3, 9, 2, 3, 2, "p2", 1],
        [3, 9, 2, 3, 1, "p1", 2],
    ]
    give_scopes(session, {11: 7, 12: 7})
    assert [row[:5] for row in listed(9, 9, scope=7)] == [[1, 2, 11, 2, 11], [1, 2, 11, 2, 12]]
    assert listed(9, 9, scope=8) == []
