"""The statements that show, compare and take back runs."""

import pytest

from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.moves import Move
from tests.sql.helpers import (
    add_with_ids,
    close_run,
    make_clusters,
    open_run,
    place,
    placed,
    query,
    record_move,
    record_step,
    run_record,
    value,
)


def finished_run(session: Session, **changes: object) -> int:
    run_id = open_run(session, **changes)
    close_run(session, run_id)
    return run_id


def changed(session: Session, run_id: int, cluster_id: int, change: str = "kept") -> None:
    """Records what a run made of a cluster, which was at [7, 7] before."""
    session.connection.execute(
        "INSERT INTO cluster_run_clusters VALUES (%s, %s, %s, 1, 1, '[7,7]', NULL)",
        (run_id, cluster_id, change),
    )


# Showing


def test_steps_come_in_their_order_and_only_of_the_run(session: Session) -> None:
    run_id, other = open_run(session), open_run(session)
    record_step(session, run_id, 2)
    record_step(session, run_id, 1, phase="seed 1", inertia=5.5, centroid_movement=0.0)
    record_step(session, other, 1)
    steps = session.fetch_all("runs/list_steps", run_id=run_id)
    assert [tuple(row.values()) for row in steps] == [
        (1, "seed 1", 10, 5.5, 0.0, 0.25),
        (2, "train", 10, 1.5, 0.5, 0.25),
    ]
    assert list(steps[0]) == [
        *("step", "phase", "batch_size", "inertia", "centroid_movement", "seconds")
    ]


def test_the_largest_moves_come_first(session: Session) -> None:
    run_id, other = open_run(session), open_run(session)
    record_move(session, run_id, [1], 5, 6)
    record_move(session, run_id, [2, 3], None, 6)
    record_move(session, run_id, [4], None, 5)
    record_move(session, other, [1, 2, 3, 4], None, 7)
    assert session.fetch_as(Move, "commit/list_moves", run_id=run_id) == [
        Move(None, 6, 2),
        Move(None, 5, 1),
        Move(5, 6, 1),
    ]


def test_net_moves_go_from_the_first_place_to_the_last(session: Session) -> None:
    first, second, third = (open_run(session) for _ in range(3))
    record_move(session, first, [1, 2, 3], None, 10)
    record_move(session, second, [1, 2], 10, 20)
    record_move(session, second, [4], None, 20)
    record_move(session, third, [1], 20, 10)
    record_move(session, third, [2], 20, 30)
    net = session.fetch_as(Move, "runs/list_net_moves", after_run=first, last_run=third)
    assert net == [Move(None, 20, 1), Move(10, 30, 1)]
    net = session.fetch_as(Move, "runs/list_net_moves", after_run=first, last_run=second)
    assert net == [Move(10, 20, 2), Move(None, 20, 1)]


# What builds on a run


def dependent(session: Session, run_id: int) -> list[int]:
    return [row["id"] for row in session.fetch_all("runs/find_dependent", run_id=run_id)]


def test_a_later_run_that_moved_the_same_photo_builds_on_it(session: Session) -> None:
    first, second, third = (finished_run(session) for _ in range(3))
    record_move(session, first, [1, 2], None, 10)
    record_move(session, second, [2, 5], 10, 20)
    record_move(session, third, [9], None, 30)
    assert dependent(session, first) == [second]
    assert dependent(session, second) == []
    assert dependent(session, third) == []


@pytest.mark.parametrize(("old", "new"), [(10, 20), (20, 10)])
def test_a_later_run_that_used_its_new_cluster_builds_on_it(
    old: int, new: int, session: Session
) -> None:
    first, second = finished_run(session), finished_run(session)
    changed(session, first, 10, "created")
    record_move(session, second, [5], old, new)
    assert dependent(session, first) == [second]


def test_a_later_run_that_changed_the_same_cluster_builds_on_it(session: Session) -> None:
    first, second, third = (finished_run(session) for _ in range(3))
    for run_id in (first, second, third):
        changed(session, run_id, 10)
    assert dependent(session, first) == [third]


@pytest.mark.parametrize(
    "change", ["status = 'failed'", "kind = 'undo'", "undone_by = id", "id = DEFAULT"]
)
def test_runs_that_do_not_stand_are_not_built_upon(change: str, session: Session) -> None:
    first, second = finished_run(session), finished_run(session)
    record_move(session, first, [1], None, 10)
    record_move(session, second, [1], 10, 20)
    updates = {
        "status = 'failed'": "UPDATE cluster_runs SET status = 'failed' WHERE id = %s",
        "kind = 'undo'": "UPDATE cluster_runs SET kind = 'undo' WHERE id = %s",
        "undone_by = id": "UPDATE cluster_runs SET undone_by = id WHERE id = %s",
        "id = DEFAULT": "DELETE FROM cluster_runs WHERE id = %s",
    }
    session.connection.execute(updates[change].encode(), (second,))
    assert dependent(session, first) == []


# Taking back


def test_an_undo_is_closed_and_what_it_undid_is_marked(session: Session) -> None:
    run_id = finished_run(session)
    undo_id = open_run(session, kind="undo")
    session.execute(
        "commit/close_moves",
        run_id=undo_id,
        photos_moved=3,
        clusters_created=None,
        skipped=None,
        seconds='{"total": 1}',
    )
    session.execute("runs/mark_undone", run_id=run_id, undo_id=undo_id)
    record = run_record(session, undo_id)
    assert (record["status"], record["photos_moved"], record["undone_by"]) == ("succeeded", 3, None)
    assert record["finished_at"] is not None
    assert run_record(session, run_id)["undone_by"] == undo_id


def test_photos_go_back_and_who_went_is_kept(session: Session) -> None:
    add_with_ids(session, {i: [i, 0] for i in range(1, 8)})
    old, new, elsewhere, gone = make_clusters(session, [[i, 0] for i in range(4)])
    run_id, undo_id = open_run(session), open_run(session, kind="undo")
    place(session, new, 1, 2, 4, 5, 6)
    place(session, elsewhere, 3)
    record_move(session, run_id, [1, 2, 3], old, new)
    record_move(session, run_id, [4, 5], None, new)
    record_move(session, run_id, [6, 99], gone, new)
    session.connection.execute("UPDATE photos SET cluster_pinned = TRUE WHERE id = 5")
    session.connection.execute("DELETE FROM clusters WHERE id = %s", (gone,))
    assert [row["id"] for row in session.fetch_all("runs/list_origins", run_id=run_id)] == [old]
    wanted = {"labels": [0, 1, -1], "cluster_ids": [None, old, None]}
    assert session.execute("runs/list_photos_to_move_back", run_id=run_id, **wanted) == 5
    moves = session.fetch_as(Move, "commit/move_photos", run_id=undo_id, **wanted)
    assert sorted(moves, key=lambda move: move.to_cluster_id or 0) == [
        Move(new, None, 2),
        Move(new, old, 2),
    ]
    assert placed(session) == {1: old, 2: old, 3: elsewhere, 4: None, 5: new, 6: None, 7: None}
    kept = "SELECT photo_ids FROM cluster_run_moves WHERE run_id = %s ORDER BY photo_ids"
    assert query(session, kept, undo_id) == [([1, 2],), ([4, 6],)]


def test_clusters_get_back_the_centroids_that_are_still_the_run_s(session: Session) -> None:
    run_id, later = open_run(session), open_run(session)
    kept, emptied, created = make_clusters(session, [[1, 0], [2, 0], [3, 0]], run_id)
    [changed_since] = make_clusters(session, [[4, 0]], later)
    changed(session, run_id, kept)
    changed(session, run_id, emptied, "emptied")
    changed(session, run_id, created, "created")
    changed(session, run_id, changed_since)
    assert session.execute("runs/restore_clusters", run_id=run_id) == 2
    found = query(session, "SELECT id, centroid::text, run_id FROM clusters ORDER BY id")
    assert found == [
        (kept, "[7,7]", None),
        (emptied, "[7,7]", None),
        (created, "[3,0]", run_id),
        (changed_since, "[4,0]", later),
    ]


def test_only_clusters_that_nobody_cares_for_are_deleted(session: Session) -> None:
    run_id = open_run(session)
    plain, named, set_aside, in_use, kept = make_clusters(session, [[i, 0] for i in range(5)])
    add_with_ids(session, {1: [1, 0]})
    place(session, in_use, 1)
    session.connection.execute("UPDATE clusters SET name = 'cats' WHERE id = %s", (named,))
    session.connection.execute("UPDATE clusters SET status = 1 WHERE id = %s", (set_aside,))
    for cluster_id in (plain, named, set_aside, in_use):
        changed(session, run_id, cluster_id, "created")
    changed(session, run_id, kept)
    assert session.execute("runs/delete_created_clusters", run_id=run_id) == 1
    assert value(session, "SELECT array_agg(id ORDER BY id) FROM clusters") == [
        *(named, set_aside, in_use, kept)
    ]
    [counted] = session.fetch_all("runs/count_undone", run_id=run_id)
    assert counted == {"restored": 1, "left_over": 3}


# Forgetting


def test_what_old_runs_moved_is_forgotten(session: Session) -> None:
    runs = [finished_run(session) for _ in range(3)]
    unfinished = open_run(session)
    for run_id in (*runs, unfinished):
        record_move(session, run_id, [1], None, 10)
        changed(session, run_id, 10)
    assert session.execute("commit/prune_moves", keep=2) == 1
    kept = [(runs[1],), (runs[2],), (unfinished,)]
    assert query(session, "SELECT run_id FROM cluster_run_moves ORDER BY run_id") == kept
    assert query(session, "SELECT run_id FROM cluster_run_clusters ORDER BY run_id") == kept
    assert value(session, "SELECT count(*) FROM cluster_runs") == 4
    assert session.execute("commit/prune_moves", keep=2) == 0
