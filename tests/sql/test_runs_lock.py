"""The lock that lets one run at a time into a database, and who holds it."""

from typing import Any

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import close_run, open_run, value

Two = tuple[Session, Session]


def holder(session: Session) -> dict[str, Any] | None:
    found = session.fetch_all("runs/find_holder")
    assert len(found) <= 1
    return found[0] if found else None


def test_one_session_at_a_time_holds_the_lock(two_sessions: Two) -> None:
    first, second = two_sessions
    assert first.fetch_value("runs/try_lock") is True
    assert second.fetch_value("runs/try_lock") is False
    assert first.fetch_value("runs/unlock") is True
    assert second.fetch_value("runs/try_lock") is True


def test_the_lock_goes_with_its_session(two_sessions: Two) -> None:
    first, second = two_sessions
    assert first.fetch_value("runs/try_lock")
    pid = first.connection.info.backend_pid
    first.close()
    while value(second, "SELECT count(*) FROM pg_stat_activity WHERE pid = %s", pid):
        pass  # the server takes a moment to notice
    assert second.fetch_value("runs/try_lock") is True


def test_another_database_has_a_lock_of_its_own(two_sessions: Two, bare_database_url: str) -> None:
    assert two_sessions[0].fetch_value("runs/try_lock")
    with Session.open(bare_database_url) as elsewhere:
        assert elsewhere.fetch_value("runs/try_lock") is True


def test_nobody_holds_a_lock_that_was_not_taken(two_sessions: Two) -> None:
    first, second = two_sessions
    open_run(first)
    first.fetch_all("schema/lock_migrations")  # another lock is not taken for it
    assert holder(second) is None


def test_the_holder_is_found_with_its_run(two_sessions: Two) -> None:
    first, second = two_sessions
    first.fetch_value("runs/try_lock")
    open_run(second)  # of a session that does not hold the lock
    run_id = open_run(first)
    open_run(second)
    started_at = value(first, "SELECT started_at FROM cluster_runs WHERE id = %s", run_id)
    assert holder(second) == {
        "run_id": run_id,
        "pid": first.connection.info.backend_pid,
        "role": first.connection.info.user,
        "client": value(first, "SELECT inet_client_addr()::text"),
        "since": started_at,
    }


def test_a_holder_that_has_not_opened_its_record_is_found_without_a_run(two_sessions: Two) -> None:
    first, second = two_sessions
    close_run(first, open_run(first))
    first.fetch_value("runs/try_lock")
    found = holder(second)
    assert found is not None
    assert (found["run_id"], found["pid"]) == (None, first.connection.info.backend_pid)
    backend_start = "SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    assert found["since"] == value(first, backend_start)


def test_a_record_left_open_by_an_older_process_of_the_same_number_is_not_the_holder_s(
    two_sessions: Two,
) -> None:
    first, second = two_sessions
    open_run(first)
    first.fetch_value("runs/try_lock")
    run_id = open_run(first)
    found = holder(second)
    assert found is not None
    assert found["run_id"] == run_id
