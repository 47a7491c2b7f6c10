"""The triggers that keep photos_count, one by one, and what finds and mends a wrong count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from fluffy_sql.database.statements import statement_names
from fluffy_sql.errors import DatabaseError
from tests.sql.helpers import add_with_ids, make_clusters, place, query, value

if TYPE_CHECKING:
    from fluffy_sql.database.session import Session

TRIGGERS = {
    "fluffy_sql_count_cluster": ("counts/create_cluster_trigger", "counts/drop_cluster_trigger"),
    "fluffy_sql_count_deleted": ("counts/create_delete_trigger", "counts/drop_delete_trigger"),
    "fluffy_sql_count_inserted": ("counts/create_insert_trigger", "counts/drop_insert_trigger"),
    "fluffy_sql_count_truncated": (
        "counts/create_truncate_trigger",
        "counts/drop_truncate_trigger",
    ),
    "fluffy_sql_count_updated": ("counts/create_update_trigger", "counts/drop_update_trigger"),
}
# What only that trigger counts, on photos 1 and 2 in cluster 1 and none in cluster 2.
COUNTED_BY = {
    "fluffy_sql_count_cluster": "INSERT INTO clusters (id, photos_count) VALUES (99, 5)",
    "fluffy_sql_count_deleted": "DELETE FROM photos WHERE id = 1",
    "fluffy_sql_count_inserted": "INSERT INTO photos (id, path, cluster_id) SELECT 9, '', {full}",
    "fluffy_sql_count_truncated": "TRUNCATE photos",
    "fluffy_sql_count_updated": "UPDATE photos SET cluster_id = {empty} WHERE id = 1",
}

each_trigger = pytest.mark.parametrize("trigger", sorted(TRIGGERS))


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
    return full, empty


def set_count(session: Session, cluster_id: int, photos: int | None) -> None:
    session.connection.execute(
        "UPDATE clusters SET photos_count = %s WHERE id = %s", (photos, cluster_id)
    )


def test_all_triggers_are_listed_enabled_and_in_order(session: Session) -> None:
    assert session.fetch_all("counts/list_triggers") == [
        {"name": name, "enabled": True} for name in sorted(TRIGGERS)
    ]


def test_triggers_of_others_are_not_listed(session: Session) -> None:
    session.connection.execute("CREATE TABLE others (photos_count integer, id bigint)")
    for table, name in (("photos", "count_photos"), ("others", "fluffy_sql_count_cluster")):
        session.connection.execute(
            f"CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW"
            " EXECUTE FUNCTION fluffy_sql_count_cluster()"
        )
    assert len(session.fetch_all("counts/list_triggers")) == len(TRIGGERS)


@pytest.mark.parametrize(
    ("how", "enabled"), [("DISABLE", False), ("ENABLE REPLICA", False), ("ENABLE ALWAYS", True)]
)
def test_a_trigger_that_ordinary_statements_do_not_fire_is_not_enabled(
    session: Session, how: str, *, enabled: bool
) -> None:
    session.connection.execute(f"ALTER TABLE photos {how} TRIGGER fluffy_sql_count_deleted")
    listed = {row["name"]: row["enabled"] for row in session.fetch_all("counts/list_triggers")}
    assert listed == dict.fromkeys(TRIGGERS, True) | {"fluffy_sql_count_deleted": enabled}


@each_trigger
def test_each_trigger_counts_what_no_other_does(session: Session, trigger: str) -> None:
    full, empty = two_clusters(session)
    statement = COUNTED_BY[trigger].format(full=full, empty=empty)
    with session.connection.transaction(force_rollback=True):
        session.connection.execute(statement)
        assert wrong(session) == []
    session.execute(TRIGGERS[trigger][1])
    session.connection.execute(statement)
    assert wrong(session) != []


@each_trigger
def test_a_trigger_is_dropped_where_it_is_there_and_made_again(
    session: Session, trigger: str
) -> None:
    create, drop = TRIGGERS[trigger]
    session.execute(drop)
    session.execute(drop)
    assert trigger not in {row["name"] for row in session.fetch_all("counts/list_triggers")}
    session.execute(create)
    session.execute(create)
    assert len(session.fetch_all("counts/list_triggers")) == len(TRIGGERS)


@each_trigger
def test_making_a_disabled_trigger_again_enables_it(session: Session, trigger: str) -> None:
    table = "clusters" if trigger.endswith("cluster") else "photos"
    session.connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    session.execute(TRIGGERS[trigger][0])
    assert all(row["enabled"] for row in session.fetch_all("counts/list_triggers"))


def test_wrong_counts_are_found_too_high_too_low_and_of_empty_clusters(session: Session) -> None:
    full, empty = two_clusters(session)
    assert wrong(session) == []
    set_count(session, empty, 1)
    assert wrong(session) == [(empty, 1, 0)]
    set_count(session, full, 1)
    assert wrong(session) == [(full, 1, 2), (empty, 1, 0)]


def test_null_means_none_as_it_does_in_rails(session: Session) -> None:
    full, empty = two_clusters(session)
    session.connection.execute("ALTER TABLE clusters ALTER photos_count DROP NOT NULL")
    set_count(session, empty, None)
    assert wrong(session) == []
    set_count(session, full, None)
    assert wrong(session) == [(full, None, 2)]
    place(session, empty, 3)
    assert value(session, "SELECT photos_count FROM clusters WHERE id = %s", empty) == 1


def test_counts_are_mended_as_far_as_they_are_given(session: Session) -> None:
    full, empty = two_clusters(session)
    set_count(session, full, 7)
    set_count(session, empty, 8)
    assert session.execute("check/mend_counts", cluster_ids=[full]) == 1
    assert wrong(session) == [(empty, 8, 0)]
    assert session.execute("check/mend_counts", cluster_ids=[empty, full]) == 2
    assert wrong(session) == []


def test_locked_clusters_can_be_read_and_referred_to_but_not_counted(
    two_sessions: tuple[Session, Session],
) -> None:
    first, second = two_sessions
    full, empty = two_clusters(first)
    second.connection.execute("SET lock_timeout = '200ms'")
    with first.transaction():
        locked = first.fetch_all("check/lock_clusters", cluster_ids=[full])
        assert locked == [{"cluster_id": full}]
        assert wrong(second) == []
        place(second, empty, 3)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            place(second, full, 3)
    first.execute("counts/drop_update_trigger")
    with first.transaction():
        first.fetch_all("check/lock_clusters", cluster_ids=[full])
        place(second, full, 3)


def test_what_is_hidden_from_a_role_is_an_error_and_not_missing(session: Session) -> None:
    full, _ = two_clusters(session)
    try:
        session.connection.execute("CREATE ROLE shortsighted")
    except psycopg.errors.InsufficientPrivilege:
        pytest.skip("the role of the tests may not make others")
    for statement in (
        "GRANT SELECT ON photos, clusters TO shortsighted",
        "ALTER TABLE photos ENABLE ROW LEVEL SECURITY",
        "SET LOCAL ROLE shortsighted",
    ):
        session.connection.execute(statement)
    with (
        pytest.raises(DatabaseError, match="row-level security"),
        session.connection.transaction(),
    ):
        wrong(session)
    session.connection.execute("SET LOCAL row_security TO on")
    assert wrong(session) == [(full, 2, 0)]


def test_runs_are_kept_out_until_the_transaction_ends(
    two_sessions: tuple[Session, Session],
) -> None:
    first, second = two_sessions
    with first.transaction():
        assert first.fetch_value("check/try_lock_runs") is True
        assert second.fetch_value("runs/try_lock") is False
    assert second.fetch_value("runs/try_lock") is True
    assert first.fetch_value("check/try_lock_runs") is False


def test_work_tables_are_found_by_name(session: Session) -> None:
    assert session.fetch_all("check/find_work_tables") == []
    made = []
    for statement in statement_names():
        if statement.startswith("work_tables/create_") and not statement.endswith(".citus"):
            session.execute(statement)
            made.append(statement.replace("work_tables/create_", "work_"))
            found = [row["name"] for row in session.fetch_all("check/find_work_tables")]
            assert found == made
    there = query(
        session,
        "SELECT oid::regclass::text FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'fluffy_sql_work'::regnamespace",
    )
    assert set(made) == {name for (name,) in there}
