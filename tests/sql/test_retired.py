"""Clusters that a recluster left without photos: retired, brought back, looked through, deleted."""

from typing import Any

import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import add_with_ids, make_assignments, make_clusters, open_run, place, query


@pytest.fixture
def run_id(session: Session) -> int:
    return open_run(session, kind="recluster")


def recorded(session: Session, run_id: int, cluster_id: int, before: int, after: int) -> None:
    """What a recluster made of a cluster."""
    session.connection.execute(
        "INSERT INTO cluster_run_clusters (run_id, cluster_id, change, photos_before, photos)"
        " VALUES (%s, %s, %s, %s, %s)",
        (run_id, cluster_id, "kept" if after else "emptied", before, after),
    )


def retire(session: Session, run_id: int, *cluster_ids: int) -> None:
    for cluster_id in cluster_ids:
        session.connection.execute(
            "INSERT INTO retired_clusters (cluster_id, retired_by) VALUES (%s, %s)",
            (cluster_id, run_id),
        )


def history(session: Session) -> list[tuple[Any, ...]]:
    return query(
        session,
        "SELECT cluster_id, retired_by, returned_by FROM retired_clusters ORDER BY 1, 2",
    )


def test_what_has_no_photos_is_retired_but_for_what_a_person_left_empty(
    session: Session, run_id: int
) -> None:
    earlier = open_run(session)
    emptied, kept, ran_dry = make_clusters(session, [[1, 0], [0, 1], [1, 1]], earlier)
    [by_hand] = make_clusters(session, [[2, 1]])
    [was_retired] = make_clusters(session, [[3, 1]], earlier)
    retire(session, earlier, was_retired)
    recorded(session, run_id, emptied, 5, 0)
    recorded(session, run_id, kept, 5, 7)
    for cluster_id in (ran_dry, by_hand, was_retired):
        recorded(session, run_id, cluster_id, 0, 0)
    assert session.execute("commit/retire_clusters", run_id=run_id) == 2
    assert history(session) == [
        (emptied, run_id, None),
        (ran_dry, run_id, None),
        (was_retired, earlier, None),
    ]


def test_what_a_recluster_continues_with_photos_comes_back(session: Session, run_id: int) -> None:
    earlier = open_run(session)
    back, empty = make_clusters(session, [[1, 0], [0, 1]], run_id)
    [elsewhere] = make_clusters(session, [[1, 1]], earlier)
    retire(session, earlier, back, empty, elsewhere)
    for cluster_id, photos in ((back, 4), (empty, 0), (elsewhere, 1)):
        recorded(session, run_id, cluster_id, 0, photos)
    assert session.execute("commit/return_clusters", run_id=run_id) == 1
    assert history(session) == [
        (back, earlier, run_id),
        (empty, earlier, None),
        (elsewhere, earlier, None),
    ]


def test_undo_retires_again_what_came_back_and_no_longer_what_went(
    session: Session, run_id: int
) -> None:
    earlier = open_run(session)
    gone, back = make_clusters(session, [[1, 0], [0, 1]])
    retire(session, earlier, back)
    session.connection.execute("UPDATE retired_clusters SET returned_by = %s", (run_id,))
    retire(session, run_id, gone)
    assert session.execute("runs/restore_retired", run_id=run_id) == 1
    assert history(session) == [(back, earlier, None)]


def test_what_speaks_for_keeping_a_retired_cluster(session: Session, run_id: int) -> None:
    plain, named, aside, filled, cited, active = make_clusters(
        session, [[i, 1] for i in range(6)], run_id
    )
    retire(session, run_id, plain, named, aside, filled, cited)
    add_with_ids(session, {1: [1, 0], 2: [0, 1]})
    place(session, filled, 1)
    place(session, active, 2)
    session.connection.execute("UPDATE clusters SET name = 'Oma' WHERE id = %s", (named,))
    session.connection.execute("UPDATE clusters SET status = 1 WHERE id = %s", (aside,))
    for table in ("albums", "posts"):
        session.connection.execute(f"CREATE TABLE {table} (theme bigint REFERENCES clusters)")
        session.connection.execute(f"INSERT INTO {table} VALUES (%s), (NULL)", (cited,))
    assert session.execute("runs/lock_retired") == 5
    found = session.fetch_all("runs/list_retired")
    assert [
        (row["cluster_id"], row["name"], row["set_aside"], row["has_photos"], row["referenced_by"])
        for row in found
    ] == [
        (plain, None, False, False, None),
        (named, "Oma", False, False, None),
        (aside, None, True, False, None),
        (filled, None, False, True, None),
        (cited, None, False, False, ["albums", "posts"]),
    ]
    assert {row["retired_by"] for row in found} == {run_id}


def test_deleted_clusters_leave_no_record_of_being_retired(session: Session, run_id: int) -> None:
    gone, kept = make_clusters(session, [[1, 0], [0, 1]], run_id)
    retire(session, run_id, gone, kept)
    assert session.execute("runs/delete_retired", cluster_ids=[gone]) == 1
    assert history(session) == [(kept, run_id, None)]
    assert query(session, "SELECT id FROM clusters") == [(kept,)]


def test_photos_whose_cluster_is_gone_are_counted_if_they_were_moved(session: Session) -> None:
    [elsewhere] = make_clusters(session, [[1, 0]])
    add_with_ids(session, {i: [1, 0] for i in (1, 2, 3)})
    make_assignments(session, {1: (-1, 0.0), 2: (-1, 0.0), 3: (0, 0.0)})
    place(session, elsewhere, 2)
    assert session.fetch_value("runs/count_unplaced") == 1
