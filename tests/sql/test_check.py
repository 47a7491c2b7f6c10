"""What check asks; the command as a whole is tested in tests/integration/test_check.py."""

import pytest

from fluffy_sql.errors import DatabaseError
from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.survey import count_lengths
from tests.sql.helpers import (
    PROBE,
    add_with_ids,
    as_role,
    close_run,
    counts,
    hide,
    make_clusters,
    open_run,
    place,
    placed,
    query,
    record_move,
)


def test_nothing_is_found_where_nothing_is_wrong(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [0, 1]})
    place(session, make_clusters(session, [[1, 0]])[0], 1)
    close_run(session, open_run(session))
    assert session.fetch_all("check/find_wrong_counts") == []
    assert session.fetch_all("check/find_lost_photos") == []
    assert session.fetch_all("check/find_other_lengths") == []
    assert session.fetch_all("check/count_misplaced", photos=100, fingerprint_vector=PROBE) == []
    assert session.fetch_all("check/find_idle_holders", seconds=0) == []
    assert session.fetch_all("check/find_blocked", seconds=0) == []
    assert session.fetch_all("check/find_without_identity") == []
    assert session.fetch_all("work_tables/list_filled") == []
    assert session.fetch_all("check/find_abandoned_runs") == []
    assert session.execute("check/free_lost_photos") == 0


def test_runs_recorded_as_running_are_found(session: Session) -> None:
    run_id = open_run(session)
    [run] = session.fetch_all("check/find_abandoned_runs")
    assert (run["run_id"], run["phase"]) == (run_id, "survey")


def test_lengths_are_told_apart_within_a_cluster(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1], 3: [1, 0, 0], 4: [2, 0, 0], 5: [1, 0, 0]})
    [a], [b] = make_clusters(session, [[1, 0]]), make_clusters(session, [[1, 0, 0]])
    place(session, a, 1, 2, 3, 4)
    place(session, b, 5)
    assert session.fetch_all("check/find_other_lengths") == [
        {"cluster_id": a, "expected": 2, "dimensions": 1, "photos": 1},
        {"cluster_id": a, "expected": 2, "dimensions": 3, "photos": 2},
    ]


def test_lengths_are_counted_of_usable_photos_that_have_one(session: Session) -> None:
    add_with_ids(session, {1: [1], 2: [1, 0, 0], 3: [1, 1, 1], 4: None, 5: [1] * 600, 6: [1, 2]})
    place(session, make_clusters(session, [[1, 0, 0]])[0], 2)
    hide(session, 6)
    assert count_lengths(session) == [(3, 2), (1, 1), (600, 1)]


@pytest.mark.parametrize(("pinned", "counted"), [(False, 2), (True, 1)])
def test_photos_are_compared_with_the_centroids_of_the_run_that_moved_them(
    pinned: bool, counted: int, session: Session
) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1, 0]})
    run_id, other = open_run(session), open_run(session)
    [own, nearer] = make_clusters(session, [[0, 1], [1, 1]], run_id)
    make_clusters(session, [[1, 0]], other)
    place(session, own, 1, 2)
    close_run(session, run_id)
    if pinned:
        session.connection.execute("UPDATE photos SET cluster_pinned = TRUE WHERE id = 1")
    record_move(session, run_id, [1, 2], None, own)
    found = session.fetch_all("check/count_misplaced", photos=50, fingerprint_vector=PROBE)
    expected = {"run_id": run_id, "looked_at": counted, "misplaced": counted, "recall": 0.995}
    assert found == [{**expected, "algorithm": "kmeans", "once": False}]
    session.connection.execute("DELETE FROM clusters WHERE id = %s", (nearer,))
    assert (
        session.fetch_all("check/count_misplaced", photos=50, fingerprint_vector=PROBE)[0][
            "misplaced"
        ]
        == 0
    )
    # one that went with others of its group, after a run that let them
    session.connection.execute("INSERT INTO photo_duplicates VALUES (2, 2, 1, 0, 0)")
    once = """UPDATE cluster_runs SET settings = '{"duplicates": "once"}'"""
    session.connection.execute(once.encode())
    found = session.fetch_all("check/count_misplaced", photos=50, fingerprint_vector=PROBE)
    assert [(row["looked_at"], row["once"]) for row in found] == [(1, True)] * (counted - 1)
    assert placed(session) == {1: own, 2: own}
    assert query(session, "SELECT count(*) FROM clusters") == [(2,)]


def test_only_photos_embedded_as_they_were_are_compared(session: Session) -> None:
    add_with_ids(session, {i: [1, 0] for i in (1, 2, 3)})
    run_id = open_run(session)
    [own, _] = make_clusters(session, [[0, 1], [1, 1]], run_id)
    place(session, own, 1, 2, 3)
    record_move(session, run_id, [1, 2, 3], None, own)
    close_run(session, run_id)
    session.connection.execute("UPDATE photos SET embedding = '[1, 0.5]' WHERE id = 1")
    session.connection.execute("UPDATE photos SET updated_at = now() + interval '1 day'")
    [found] = session.fetch_all("check/count_misplaced", photos=1_000, fingerprint_vector=PROBE)
    assert (found["looked_at"], found["misplaced"]) == (2, 2)
    hide(session, 2)
    [found] = session.fetch_all("check/count_misplaced", photos=1_000, fingerprint_vector=PROBE)
    assert found["looked_at"] == 1
    session.connection.execute("UPDATE cluster_run_moves SET fingerprints = NULL")
    assert session.fetch_all("check/count_misplaced", photos=1_000, fingerprint_vector=PROBE) == []


# Counts


def wrong(session: Session) -> list[tuple[int, int | None, int]]:
    return [
        (row["cluster_id"], row["photos_count"], row["photos"])
        for row in session.fetch_all("check/find_wrong_counts")
    ]


def two_clusters(session: Session) -> tuple[int, int]:
    """One with photos 1 and 2, and an empty one; photo 3 has none."""
    add_with_ids(session, {1: [1, 0], 2: [1, 0], 3: [1, 0]})
    full, empty = make_clusters(session, [[1, 0]] * 2)
    place(session, full, 1, 2)
    session.fetch_value("triggers/fold")
    return full, empty


def set_count(session: Session, cluster_id: int, photos: int | None) -> None:
    session.connection.execute(
        "UPDATE clusters SET photos_count = %s WHERE id = %s", (photos, cluster_id)
    )


def test_wrong_counts_are_found_too_high_too_low_and_of_empty_clusters(session: Session) -> None:
    full, empty = two_clusters(session)
    assert wrong(session) == []
    set_count(session, empty, 1)
    assert wrong(session) == [(empty, 1, 0)]
    set_count(session, full, 1)
    assert wrong(session) == [(full, 1, 2), (empty, 1, 0)]


def test_a_count_that_is_not_folded_yet_is_not_wrong(session: Session) -> None:
    full, empty = two_clusters(session)
    place(session, empty, 1, 3)
    assert wrong(session) == []
    set_count(session, empty, 5)
    assert wrong(session) == [(empty, 7, 2)]
    assert session.execute("commit/recount", cluster_ids=[full, empty]) == 1
    assert wrong(session) == []
    session.fetch_value("triggers/fold")
    assert counts(session) == {full: 1, empty: 2}


def test_null_means_none_as_it_does_in_rails(session: Session) -> None:
    full, empty = two_clusters(session)
    session.connection.execute("ALTER TABLE clusters ALTER photos_count DROP NOT NULL")
    set_count(session, empty, None)
    assert wrong(session) == []
    set_count(session, full, None)
    assert wrong(session) == [(full, 0, 2)]


def test_counts_are_mended_as_far_as_they_are_given(session: Session) -> None:
    full, empty = two_clusters(session)
    set_count(session, full, 7)
    set_count(session, empty, 8)
    assert session.execute("commit/recount", cluster_ids=[full]) == 1
    assert wrong(session) == [(empty, 8, 0)]
    assert session.execute("commit/recount", cluster_ids=[empty, full]) == 1
    assert wrong(session) == []


def test_clusters_that_are_being_mended_can_be_read_and_take_photos(
    session: Session, other: Session
) -> None:
    full, empty = two_clusters(session)
    other.connection.execute("SET lock_timeout = '200ms'")
    set_count(session, full, 9)
    with session.transaction():
        locked = session.fetch_all("check/lock_clusters", cluster_ids=[full])
        assert locked == [{"cluster_id": full}]
        place(other, empty, 1)
        place(other, full, 3)
        assert wrong(other) == [(full, 9, 2)]
        session.execute("commit/recount", cluster_ids=[full])
    assert wrong(session) == []
    session.fetch_value("triggers/fold")
    assert counts(session) == {full: 2, empty: 1}


def test_what_is_hidden_from_a_role_is_an_error_and_not_missing(session: Session) -> None:
    full, _ = two_clusters(session)
    session.connection.execute("ALTER TABLE photos ENABLE ROW LEVEL SECURITY")
    with as_role(
        session, "USAGE ON SCHEMA fluffy_sql", "SELECT ON photos, clusters, photo_count_changes"
    ):
        with (
            pytest.raises(DatabaseError, match="row-level security"),
            session.connection.transaction(),
        ):
            wrong(session)
        session.connection.execute("SET LOCAL row_security TO on")
        assert wrong(session) == [(full, 2, 0)]


# Others


def test_runs_are_kept_out_until_the_transaction_ends(session: Session, other: Session) -> None:
    with session.transaction():
        assert session.fetch_value("check/try_lock_runs") is True
        assert other.fetch_value("runs/try_lock") is False
    assert other.fetch_value("runs/try_lock") is True
    assert session.fetch_value("check/try_lock_runs") is False


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("ALTER TABLE photos DROP CONSTRAINT photos_pkey", ["photos"]),
        ("ALTER TABLE clusters REPLICA IDENTITY NOTHING", ["clusters"]),
        ("ALTER TABLE photos DROP CONSTRAINT photos_pkey, REPLICA IDENTITY FULL", []),
        ("SELECT 1", []),
    ],
)
@pytest.mark.parametrize("published", [True, False])
def test_tables_that_are_published_and_can_not_be_updated_are_found(
    change: str, found: list[str], session: Session, *, published: bool
) -> None:
    session.connection.execute(change.encode())
    if published:
        session.connection.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    names = [row["name"] for row in session.fetch_all("check/find_without_identity")]
    assert names == (found if published else [])
