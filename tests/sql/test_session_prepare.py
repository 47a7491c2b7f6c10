"""What every session sets, and what a run records about the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from tests.sql.helpers import query, value

if TYPE_CHECKING:
    from fluffy_sql.database.session import Session

SETTINGS = {
    "TimeZone": ("UTC", "Asia/Tokyo"),
    "synchronize_seqscans": ("off", "on"),
    "default_transaction_isolation": ("read committed", "serializable"),
    "synchronous_commit": ("off", "on"),
    "row_security": ("off", "on"),
    "jit": ("off", "on"),
    "client_min_messages": ("warning", "debug1"),
    "client_connection_check_interval": ("1s", "0"),
    "idle_session_timeout": ("0", "1min"),
}


def current(session: Session) -> dict[str, str]:
    return {name: value(session, "SELECT current_setting(%s)", name) for name in SETTINGS}


def test_a_session_is_configured_whatever_was_set_before(session: Session) -> None:
    for name, (_, other) in SETTINGS.items():
        query(session, "SELECT set_config(%s, %s, FALSE)", name, other)
    assert current(session) == {name: other for name, (_, other) in SETTINGS.items()}
    session.fetch_all("session/configure")
    assert current(session) == {name: ours for name, (ours, _) in SETTINGS.items()}


def test_settings_outlast_a_transaction(two_sessions: tuple[Session, Session]) -> None:
    session, _ = two_sessions
    session.connection.execute("SET jit = on")
    with session.transaction():
        session.fetch_all("session/configure")
    assert current(session) == {name: ours for name, (ours, _) in SETTINGS.items()}


def test_nothing_is_left_behind_for_others(two_sessions: tuple[Session, Session]) -> None:
    session, _ = two_sessions
    session.fetch_all("session/configure")
    with psycopg.connect(session.connection.info.dsn) as other:
        stored = other.execute("SELECT count(*) FROM pg_db_role_setting").fetchone()
        source = other.execute(
            "SELECT source FROM pg_settings WHERE name = 'synchronize_seqscans'"
        ).fetchone()
    assert (stored, source) == ((0,), ("default",))


def test_why_a_session_may_only_read(two_sessions: tuple[Session, Session]) -> None:
    session, _ = two_sessions
    asked = "session/describe_read_only"
    assert session.fetch_all(asked) == [{"is_standby": False, "set_by": None}]
    query(session, "SELECT set_config('default_transaction_read_only', 'on', FALSE)")
    assert session.fetch_all(asked) == [{"is_standby": False, "set_by": "session"}]


def test_a_transaction_waits_for_the_disk_as_the_server_does_by_default(
    two_sessions: tuple[Session, Session],
) -> None:
    session, _ = two_sessions
    asked = "SELECT current_setting('synchronous_commit')"
    assert value(session, asked) == "off"
    with session.transaction():  # runs "session/commit_durably"
        assert value(session, asked) == "on"
    assert value(session, asked) == "off"
