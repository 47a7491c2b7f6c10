"""A run across a network: how often it waits for the server, and how much it sends."""

import pytest
from psycopg.pq import TransactionStatus

from benchmarks.link import Link, Proxy
from fluffy_sql.errors import DatabaseError
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.statements import Statement
from fluffy_sql.runs.lock import only_run
from tests.conftest import add_photos, made_library
from tests.integration.helpers import generate, query

# Long enough for all that two connections do side by side to overlap.
LINK = Link(round_trip=0.01, megabits=1000)
DIMENSIONS = 128


def test_a_run_takes_few_round_trips_and_sends_centroids_a_few_times_only(
    session: Session, database_url: str
) -> None:
    """As often as here, those of k=200 and 768 dimensions are 12 MB."""
    k = 50
    rows, _ = made_library(0, photos=3_000, themes=k, dimensions=DIMENSIONS)
    add_photos(session, rows)
    with Proxy.before(database_url, LINK) as proxy:
        assert generate(proxy.url, k=k, sample_per_cluster=32).clusters_created == k
    assert 20 < proxy.traffic.round_trips <= 60
    assert proxy.traffic.bytes_up < 12_000_000 * (k * DIMENSIONS) / (200 * 768)


def test_what_is_sent_is_committed_at_once_and_what_fails_is_told_later(session: Session) -> None:
    with session.reconnected() as other:
        session.connection.execute("INSERT INTO photos (path) VALUES ('a')")
        session.send("survey/has_photos")
        session.send("work_tables/forget_labels", labels=[1])
        session.send("work_tables/analyze", name="work_drawn", column_name="no_such_column")
        with pytest.raises(DatabaseError, match="no_such_column"):
            session.fetch_value("survey/has_photos")
        assert session.fetch_value("survey/has_photos") is True
        session.send("runs/choose_number")
        assert query(other, "SELECT count(*) FROM photos") == [(1,)]


def test_a_transaction_is_rolled_back_if_what_it_sent_last_fails(session: Session) -> None:
    def insert() -> None:
        with session.transaction():
            session.connection.execute("INSERT INTO photos (path) VALUES ('a')")
            session.send("work_tables/analyze", name="work_drawn", column_name="no_such_column")

    with pytest.raises(DatabaseError, match="no_such_column"):
        insert()
    assert session.fetch_value("survey/has_photos") is False


def test_what_fails_within_a_transaction_of_somebody_else_does_not_end_it(session: Session) -> None:
    """Else what it does next would stay, whatever it decides at its end."""
    session.connection.execute("BEGIN")
    session.send("work_tables/analyze", name="work_drawn", column_name="no_such_column")
    with pytest.raises(DatabaseError, match="no_such_column"):
        session.fetch_value("survey/has_photos")
    assert session.connection.info.transaction_status == TransactionStatus.INERROR
    session.connection.rollback()


def test_what_is_large_both_ways_does_not_stall(session: Session) -> None:
    large = Statement("large", "SELECT %(text)s::text AS text", frozenset({"text"}))
    texts = [letter * 6_000_000 for letter in "abc"]
    session.send(large, text=texts[0])
    session.send(large, text=texts[1])
    assert session.fetch_value(large, text=texts[2]) == texts[2]


def test_a_transaction_that_raises_what_was_sent_before_it_is_not_committed(
    session: Session,
) -> None:
    late = Statement("late", "SELECT 1 / (pg_sleep(0.1) IS NULL)::integer", frozenset())
    insert = Statement("insert", "INSERT INTO photos (path) VALUES ('a')", frozenset())

    def insert_later() -> None:
        session.send(late)
        with session.transaction():
            session.send(insert)

    with pytest.raises(DatabaseError, match="division by zero"):
        insert_later()
    assert session.fetch_value("survey/has_photos") is False


def test_tidying_up_hides_no_error_of_what_was_sent_before(session: Session) -> None:
    with pytest.raises(DatabaseError, match="no_such_column"), only_run(session):
        session.send("work_tables/analyze", name="work_drawn", column_name="no_such_column")
