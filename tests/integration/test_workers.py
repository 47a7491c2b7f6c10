"""Workers: results in order, and one failure ends all the work at once."""

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from fluffy_sql.errors import DatabaseError
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.workers import Workers

LONG = 60.0
# What is cancelled ends at once, but on a busy machine.
PROMPT = 20.0


@pytest.fixture
def workers(session: Session) -> Iterator[Workers]:
    with Workers.open(session, 3) as workers:
        yield workers


def sleep_in_postgres(session: Session, seconds: float) -> float:
    session.connection.execute("SELECT pg_sleep(%s)", (seconds,))
    return seconds


def assert_usable(workers: Workers) -> None:
    """Every session is back and answers."""
    assert workers._idle.qsize() == len(workers._sessions)
    for session in workers._sessions:
        status = session.connection.info.transaction_status
        assert status == psycopg.pq.TransactionStatus.IDLE
    assert (
        list(workers.map(lambda session, _: session.fetch_value("survey/has_photos"), range(6)))
        == [False] * 6
    )


def test_results_come_in_the_order_of_the_items(workers: Workers) -> None:
    finished: list[float] = []

    def work(session: Session, seconds: float) -> float:
        sleep_in_postgres(session, seconds)
        finished.append(seconds)
        return seconds

    items = [0.6, 0.3, 0.0, 0.1]
    assert list(workers.map(work, items)) == items
    assert finished != items
    assert_usable(workers)


def test_work_is_shared_among_the_sessions(workers: Workers) -> None:
    begun = time.monotonic()
    together = threading.Barrier(3)

    def work(session: Session, _: int) -> int:
        together.wait(timeout=PROMPT)
        sleep_in_postgres(session, 0.2)
        return int(session.connection.info.backend_pid)

    assert len(set(workers.map(work, range(3)))) == 3
    assert time.monotonic() - begun < PROMPT


def test_a_session_does_one_thing_at_a_time(workers: Workers) -> None:
    busy: set[int] = set()

    def work(session: Session, _: int) -> None:
        assert id(session) not in busy
        busy.add(id(session))
        time.sleep(0.01)
        busy.remove(id(session))

    assert len(list(workers.map(work, range(30)))) == 30


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_failure_cancels_the_others_wherever_it_stands(workers: Workers, failing: int) -> None:
    begun = time.monotonic()
    started: list[int] = []

    def work(session: Session, item: int) -> None:
        started.append(item)
        if item == failing:
            time.sleep(0.3)
            raise ValueError(f"item {item}")
        sleep_in_postgres(session, LONG)

    with pytest.raises(ValueError, match=f"item {failing}"):
        list(workers.map(work, range(20)))
    assert time.monotonic() - begun < PROMPT
    assert set(started) <= {0, 1, 2}
    assert_usable(workers)


def test_an_error_of_postgres_is_raised_as_ours(workers: Workers, session: Session) -> None:
    session.connection.execute("DROP VIEW usable_photos CASCADE")
    with pytest.raises(DatabaseError) as failed:
        list(workers.map(lambda session, _: session.fetch_all("survey/count_photos"), range(5)))
    assert failed.value.sqlstate == "42P01"
    assert_usable(workers)


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit])
def test_a_caller_who_stops_cancels_what_is_under_way(
    workers: Workers, error: type[BaseException]
) -> None:
    begun = time.monotonic()
    results = workers.map(sleep_in_postgres, [0.0, LONG, LONG, LONG, LONG])
    assert next(results) == 0.0
    with pytest.raises(error):
        results.throw(error)  # type: ignore[attr-defined]
    assert time.monotonic() - begun < PROMPT
    assert_usable(workers)


@pytest.mark.parametrize("handed_out", [[LONG], [0, LONG, LONG, LONG]])
def test_an_interrupt_while_items_are_handed_out_cancels_what_is_under_way(
    workers: Workers, handed_out: list[float]
) -> None:
    """At first, and when the first result is there."""
    under_way = threading.Event()

    def work(session: Session, seconds: float) -> None:
        under_way.set()
        sleep_in_postgres(session, seconds)

    def items() -> Iterator[float]:
        yield from handed_out
        under_way.wait()
        raise KeyboardInterrupt

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(workers.map(work, items()))
    assert time.monotonic() - begun < PROMPT
    assert_usable(workers)


def test_one_connection_does_it_all(session: Session) -> None:
    with Workers.open(session, 1) as workers:
        assert list(workers.map(sleep_in_postgres, [0.05, 0.0, 0.01])) == [0.05, 0.0, 0.01]
        with pytest.raises(ZeroDivisionError):
            list(workers.map(lambda _, item: 1 // item, [1, 0, 1]))
        assert_usable(workers)


def test_no_items_are_no_results(workers: Workers) -> None:
    assert list(workers.map(sleep_in_postgres, [])) == []


def test_the_connections_are_closed_at_the_end(session: Session) -> None:
    with Workers.open(session, 2) as workers:
        sessions = workers._sessions
        assert len(sessions) == 2
    assert all(session.connection.closed for session in sessions)


def test_connections_opened_before_one_fails_are_closed(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Session] = []
    real, left = Session.further, threading.Semaphore(1)

    def open_only_one(first: Session) -> Session:
        if not left.acquire(blocking=False):
            raise DatabaseError("too many connections")
        opened.append(real(first))
        return opened[0]

    monkeypatch.setattr(Session, "further", open_only_one)
    with pytest.raises(DatabaseError, match="too many connections"):
        Workers.open(session, 2).__enter__()
    assert [session.connection.closed for session in opened] == [True]
