"""The statements of a recluster: what is locked, counted, moved, kept and recorded."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.cluster_matching import OldCluster, Overlap
from fluffy_sql.runs.moves import ClusterChange, Move
from tests.sql.helpers import (
    add_with_ids,
    counts,
    hide,
    make_assignments,
    make_clusters,
    open_run,
    place,
    placed,
    query,
    value,
    vectors,
    wait_until_blocked,
)


def library(session: Session, *sizes: int) -> list[int]:
    """Clusters of so many photos, with ids from 1 in order; returns the clusters' ids."""
    ids = make_clusters(session, [[float(i), 0.0] for i in range(len(sizes))], open_run(session))
    photo_id = 0
    for cluster_id, size in zip(ids, sizes, strict=True):
        members = list(range(photo_id + 1, photo_id + size + 1))
        add_with_ids(session, {i: [float(i), 1.0] for i in members})
        place(session, cluster_id, *members)
        photo_id += size
    return ids


def move(
    session: Session, labels: list[int], cluster_ids: list[int], run_id: int | None = None
) -> list[Move]:
    return session.fetch_as(
        Move,
        "commit/move_photos",
        run_id=run_id or open_run(session),
        labels=labels,
        cluster_ids=cluster_ids,
    )


# Old clusters


def test_all_clusters_are_listed_with_their_photos(session: Session) -> None:
    first, second, third = library(session, 2, 0, 1)
    found = session.fetch_as(OldCluster, "commit/lock_old_clusters")
    assert [(old.id, old.photos) for old in found] == [(first, 2), (second, 0), (third, 1)]
    assert found[1].centroid is not None
    assert found[1].centroid.tolist() == [1, 0]


def test_photos_that_are_not_usable_count_as_well(session: Session) -> None:
    library(session, 2)
    hide(session, 1)
    assert [old.photos for old in session.fetch_as(OldCluster, "commit/lock_old_clusters")] == [2]


def test_a_cluster_can_not_be_deleted_meanwhile(session: Session, other: Session) -> None:
    [only] = library(session, 0)
    pid = other.connection.info.backend_pid
    with ThreadPoolExecutor(1) as pool:
        with session.transaction():
            session.fetch_all("commit/lock_old_clusters")
            deleting = pool.submit(
                other.connection.execute, "DELETE FROM clusters WHERE id = %s", (only,)
            )
            wait_until_blocked(session, pid)
        assert deleting.result().rowcount == 1


def test_shared_photos_are_counted_by_place_and_old_cluster(session: Session) -> None:
    first, second = library(session, 3, 2)
    add_with_ids(session, {9: [9, 9]})
    make_assignments(
        session, {i: (7 if i < 3 else 4, 0.0) for i in (1, 2, 3, 4, 5, 9)} | {77: (4, 0)}
    )
    found = session.fetch_as(Overlap, "commit/count_overlaps", labels=[4, 7])
    assert found == [
        Overlap(0, first, 1),
        Overlap(0, second, 2),
        Overlap(0, None, 1),
        Overlap(1, first, 2),
    ]


def test_centroids_to_start_from_are_of_clusters_with_photos_the_largest_first(
    session: Session,
) -> None:
    library(session, 1, 3, 0)
    make_clusters(session, [[5, 0]])  # of no run
    start = session.fetch_all("runs/fetch_start_centroids", metric="cosine", dimensions=2)
    assert [row["centroid"].tolist() for row in start] == [[1, 0], [0, 0]]
    assert session.fetch_all("runs/fetch_start_centroids", metric="l2", dimensions=2) == []
    assert session.fetch_all("runs/fetch_start_centroids", metric="cosine", dimensions=3) == []


def test_clusters_that_go_on_get_their_new_centroids(session: Session) -> None:
    first, second = library(session, 1, 1)
    run_id = open_run(session, metric="l2")
    kept = session.execute(
        "commit/keep_clusters",
        run_id=run_id,
        cluster_ids=[second],
        centroids=vectors(session, [[8, 8]]),
    )
    assert kept == 1
    found = query(session, "SELECT centroid::text, run_id = %s FROM clusters ORDER BY id", run_id)
    assert found == [("[0,0]", False), ("[8,8]", True)]
    assert value(session, "SELECT updated_at = now() FROM clusters WHERE id = %s", second)
    assert first != second


# Moving photos


def test_photos_are_moved_and_who_moved_is_kept(session: Session) -> None:
    first, second = library(session, 3, 2)
    add_with_ids(session, {9: [9, 9]})
    make_assignments(session, {1: (0, 0.0), 2: (1, 0.0), 3: (1, 0.0), 4: (1, 0.0), 9: (0, 0.0)})
    run_id = open_run(session)
    moves = move(session, [0, 1], [first, second], run_id)
    assert sorted(moves, key=lambda m: m.photos) == [Move(None, first, 1), Move(first, second, 2)]
    assert placed(session) == {1: first, 2: second, 3: second, 4: second, 5: second, 9: first}
    assert query(
        session, "SELECT photo_ids FROM cluster_run_moves WHERE run_id = %s ORDER BY 1", run_id
    ) == [([2, 3],), ([9],)]


def test_a_photo_that_stays_where_it_is_is_not_written(session: Session) -> None:
    [first] = library(session, 2)
    make_assignments(session, {1: (0, 0.0), 2: (0, 0.0)})
    before = query(session, "SELECT ctid::text FROM photos")
    assert move(session, [0], [first]) == []
    assert query(session, "SELECT ctid::text FROM photos") == before


def test_a_pinned_photo_stays(session: Session) -> None:
    first, second = library(session, 2, 0)
    session.connection.execute("UPDATE photos SET cluster_pinned = TRUE WHERE id = 1")
    make_assignments(session, {1: (0, 0.0), 2: (0, 0.0)})
    assert move(session, [0], [second]) == [Move(first, second, 1)]
    assert placed(session) == {1: first, 2: second}


def test_counts_are_written_where_they_are_wrong(session: Session) -> None:
    first, second, third = library(session, 2, 1, 0)
    session.fetch_value("triggers/fold")
    session.connection.execute("UPDATE clusters SET photos_count = 5")
    session.connection.execute("UPDATE clusters SET photos_count = 1 WHERE id = %s", (second,))
    assert session.execute("commit/recount", cluster_ids=None) == 2
    assert counts(session) == {first: 2, second: 1, third: 0}


def test_what_triggers_wrote_down_is_going_to_be_added(session: Session) -> None:
    first, second, third = library(session, 2, 1, 0)
    assert session.execute("commit/recount", cluster_ids=None) == 0
    session.fetch_value("triggers/fold")
    place(session, third, 1)
    session.connection.execute("UPDATE clusters SET photos_count = 5")
    session.execute("commit/recount", cluster_ids=None)
    session.fetch_value("triggers/fold")
    assert counts(session) == {first: 1, second: 1, third: 1}


# What is recorded


def changes(session: Session, run_id: int) -> list[ClusterChange]:
    return session.fetch_as(ClusterChange, "commit/list_cluster_changes", run_id=run_id)


def test_old_clusters_are_recorded_with_what_they_were(session: Session) -> None:
    first, second = library(session, 2, 1)
    run_id = open_run(session)
    recorded = session.execute(
        "commit/record_old_clusters", run_id=run_id, cluster_ids=[first, second], photos=[2, 1]
    )
    assert recorded == 2
    found = query(
        session,
        "SELECT cluster_id, photos_before, centroid_before, run_id_before < run_id"
        " FROM cluster_run_clusters ORDER BY cluster_id",
    )
    assert [(row[0], row[1], row[3]) for row in found] == [(first, 2, True), (second, 1, True)]
    assert (np.array(found[1][2]) == [1, 0]).all()


def test_what_became_of_old_clusters(session: Session) -> None:
    first, second, third = library(session, 2, 1, 0)
    run_id = open_run(session)
    session.execute(
        "commit/record_old_clusters",
        run_id=run_id,
        cluster_ids=[first, second, third],
        photos=[2, 1, 0],
    )
    session.connection.execute("UPDATE clusters SET name = 'cats' WHERE id = %s", (second,))
    place(session, first, 3)
    assert session.execute("commit/record_kept_clusters", run_id=run_id) == 3
    assert changes(session, run_id) == [
        ClusterChange(second, "cats", "emptied", 1, 0),
        ClusterChange(first, None, "kept", 2, 3),
    ]


def test_new_clusters_are_recorded_with_what_was_moved_there(session: Session) -> None:
    first, second = library(session, 2, 0)
    make_assignments(session, {1: (0, 0.0), 2: (0, 0.0)})
    run_id = open_run(session)
    move(session, [0], [second], run_id)
    recorded: Any = session.execute(
        "commit/record_new_clusters", run_id=run_id, cluster_ids=[second, 10**9]
    )
    assert recorded == 1
    assert changes(session, run_id) == [ClusterChange(second, None, "created", 0, 2)]
    assert first != second
