"""The lock that lets one run at a time into a database, and who holds it."""

from typing import Any

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import close_run, open_run, value


def holder(session: Session) -> dict[str, Any] | None:
    found = session.fetch_all("runs/find_holder")
    assert len(found) <= 1
    return found[0] if found else None


def test_one_session_at_a_time_holds_the_lock(session: Session, other: Session) -> None:
    assert session.fetch_value("runs/try_lock") is True
    assert other.fetch_value("runs/try_lock") is False
    assert session.fetch_value("runs/unlock") is True
    assert other.fetch_value("runs/try_lock") is True


def test_the_lock_goes_with_its_session(session: Session, other: Session) -> None:
    assert session.fetch_value("runs/try_lock")
    pid = session.connection.info.backend_pid
    session.close()
    while value(other, "SELECT count(*) FROM pg_stat_activity WHERE pid = %s", pid):
        pass  # the server takes a moment to notice
    assert other.fetch_value("runs/try_lock") is True


def test_another_database_has_a_lock_of_its_own(session: Session, bare: Session) -> None:
    assert session.fetch_value("runs/try_lock")
    assert bare.fetch_value("runs/try_lock") is True


def test_nobody_holds_a_lock_that_was_not_taken(session: Session, other: Session) -> None:
    open_run(session)
    session.fetch_all("schema/lock_migrations")  # another lock is not taken for it
    assert holder(other) is None


def test_the_holder_is_found_with_its_run(session: Session, other: Session) -> None:
    session.fetch_value("runs/try_lock")
    open_run(other)  # of a session that does not hold the lock
    run_id = open_run(session)
    open_run(other)
    started_at = value(session, "SELECT started_at FROM cluster_runs WHERE id = %s", run_id)
    assert holder(other) == {
        "run_id": run_id,
        "pid": session.connection.info.backend_pid,
        "role": session.connection.info.user,
        "client": value(session, "SELECT inet_client_addr()::text"),
        "since": started_at,
    }


def test_a_holder_that_has_not_opened_its_record_is_found_without_a_run(
    session: Session, other: Session
) -> None:
    close_run(session, open_run(session))
    session.fetch_value("runs/try_lock")
    found = holder(other)
    assert found is not None
    assert (found["run_id"], found["pid"]) == (None, session.connection.info.backend_pid)
    backend_start = "SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    assert found["since"] == value(session, backend_start)


def test_a_record_left_open_by_an_older_process_of_the_same_number_is_not_the_holder_s(
    session: Session, other: Session
) -> None:
    open_run(session)
    session.fetch_value("runs/try_lock")
    run_id = open_run(session)
    found = holder(other)
    assert found is not None
    assert found["run_id"] == run_id
