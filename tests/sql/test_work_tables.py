"""The tables that a run works in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fluffy_sql.errors import DatabaseError
from tests.sql.helpers import make_assignments, make_sample, query, value

if TYPE_CHECKING:
    from fluffy_sql.database.session import Session

CREATE = {
    "work_drawn": "work_tables/create_drawn",
    "work_sample": "work_tables/create_sample",
    "work_assignments": "work_tables/create_assignments",
}
DROP = {
    "work_drawn": "work_tables/drop_drawn",
    "work_sample": "work_tables/drop_sample",
    "work_assignments": "work_tables/drop_assignments",
}

both_tables = pytest.mark.parametrize("table", sorted(CREATE))


@both_tables
def test_a_work_table_is_unlogged_and_seen_by_other_connections(
    two_sessions: tuple[Session, Session], table: str
) -> None:
    first, second = two_sessions
    first.execute(CREATE[table])
    found = "SELECT relpersistence::text FROM pg_class WHERE oid = to_regclass(%s)"
    assert query(second, found, table) == [("u",)]


@both_tables
def test_dropping_takes_the_table_away_or_finds_none(session: Session, table: str) -> None:
    session.execute(DROP[table])
    session.execute(CREATE[table])
    session.execute(DROP[table])
    assert value(session, "SELECT to_regclass(%s)", table) is None


def test_a_position_is_taken_once(session: Session) -> None:
    make_sample(session, [[1, 0]])
    with pytest.raises(DatabaseError) as refused, session.transaction():
        session.connection.execute("INSERT INTO work_sample VALUES (1, 2, '[1,0]')")
    assert refused.value.sqlstate == "23505"


def test_an_assignment_holds_any_label(session: Session) -> None:
    make_assignments(session, {1: (-1, 0.0), 2: (2**31 - 1, 1e300)})
    assert value(session, "SELECT count(*) FROM work_assignments") == 2


def test_kept_inline_an_embedding_is_stored_plain(session: Session) -> None:
    storage = "SELECT attstorage::text FROM pg_attribute WHERE attrelid = to_regclass(%s)"
    storage += " AND attname = 'embedding'"
    session.execute("work_tables/create_sample")
    assert value(session, storage, "work_sample") != "p"
    session.execute("work_tables/keep_sample_inline")
    assert value(session, storage, "work_sample") == "p"


def test_the_planner_learns_how_large_the_sample_is(session: Session) -> None:
    make_sample(session, [[1, 0]] * 37)
    session.execute("work_tables/analyze_sample")
    size = "SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)"
    assert value(session, size, "work_sample") == 37


def test_the_planner_learns_how_many_photos_were_drawn(session: Session) -> None:
    session.execute("work_tables/create_drawn")
    session.connection.execute(
        "INSERT INTO work_drawn SELECT n, n FROM generate_series(1, 41) n"
    )
    session.execute("work_tables/analyze_drawn")
    size = "SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)"
    assert value(session, size, "work_drawn") == 41


def test_assignments_are_cleared(session: Session) -> None:
    make_assignments(session, {1: (0, 0.0), 2: (1, 1.0)})
    session.execute("work_tables/clear_assignments")
    assert value(session, "SELECT count(*) FROM work_assignments") == 0
