"""The locks of final transactions."""

import time

import pytest

from fluffy_sql.errors import DatabaseError
from fluffy_sql.postgres.session import Session
from tests.sql.helpers import make_clusters, query, value


def test_waiting_is_limited_in_this_transaction_only(session: Session) -> None:
    before = value(session, "SELECT current_setting('lock_timeout')")
    with session.transaction(force_rollback=True):
        session.execute("commit/set_lock_timeout", milliseconds=1500)
        assert value(session, "SELECT current_setting('lock_timeout')") == "1500ms"
    assert value(session, "SELECT current_setting('lock_timeout')") == before


@pytest.mark.parametrize(("own", "expected"), [("0", "1s"), ("2s", "1s"), ("300ms", "300ms")])
def test_holding_is_limited_unless_the_role_has_a_shorter_limit(
    own: str, expected: str, session: Session
) -> None:
    session.connection.execute("SELECT set_config('statement_timeout', %s, TRUE)", (own,))
    session.execute("commit/set_statement_timeout", milliseconds=1000)
    assert value(session, "SELECT current_setting('statement_timeout')") == expected
    assert value(session, "SELECT current_setting('idle_in_transaction_session_timeout')") == "1s"


def test_after_the_deadline_no_statement_begins(session: Session) -> None:
    session.deadline = time.monotonic() - 1
    with pytest.raises(DatabaseError) as refused:
        session.execute("commit/lock_photos")
    session.deadline = None
    assert refused.value.sqlstate == "57014"


def test_whoever_writes_photos_goes_on_while_photos_are_locked(
    session: Session, other: Session
) -> None:
    with session.transaction():
        session.execute("commit/lock_photos")
        other.connection.execute("INSERT INTO photos (path) VALUES ('new')")


def test_clusters_are_locked_against_all_but_reading(session: Session, other: Session) -> None:
    make_clusters(session, [[1, 0]])
    other.connection.execute("SET lock_timeout = '50ms'")
    with session.transaction():
        session.execute("commit/lock_clusters")
        assert session.execute("commit/lock_cluster_rows") == 1
        assert value(other, "SELECT count(*) FROM clusters") == 1
        other.connection.execute("INSERT INTO photos (path) VALUES ('without a cluster')")
        other.connection.execute("SELECT FROM clusters FOR KEY SHARE")
        for change in ("UPDATE clusters SET name = 'x'", "SELECT FROM clusters FOR SHARE"):
            with pytest.raises(Exception, match="lock timeout"):
                other.connection.execute(change.encode())


def test_a_cluster_that_somebody_has_locked_is_not_waited_for(
    session: Session, other: Session
) -> None:
    make_clusters(session, [[1, 0]])
    with other.transaction():
        other.connection.execute("SELECT FROM clusters FOR UPDATE")
        with pytest.raises(DatabaseError) as refused:
            session.execute("commit/lock_cluster_rows")
    assert refused.value.sqlstate == "55P03"


def test_who_is_in_the_way_is_found(session: Session, other: Session) -> None:
    make_clusters(session, [[1, 0]])
    assert session.fetch_all("commit/find_blocker") == []
    for blocking in ("SELECT FROM clusters FOR UPDATE", "LOCK TABLE photos IN SHARE MODE"):
        with other.transaction():
            query(other, "SELECT id FROM clusters")
            assert session.fetch_all("commit/find_blocker") == []
            other.connection.execute(blocking.encode())
            [found] = session.fetch_all("commit/find_blocker")
        assert found["pid"] == other.connection.info.backend_pid
        assert found["state"] == "idle in transaction"
        assert found["since"] is not None
