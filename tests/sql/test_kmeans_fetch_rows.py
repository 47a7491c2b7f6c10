"""The rows that seeding sees."""

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import make_sample


def fetch(session: Session, after: int, last: int) -> list[list[float]]:
    found = session.fetch_all("kmeans/fetch_rows", after_row=after, last_row=last)
    return [row["embedding"].tolist() for row in found]


def test_rows_come_in_order_of_position(session: Session) -> None:
    make_sample(session, [[3, 0], [1, 0], [2, 0]])
    # A rewritten row lies last on disk, and no index helps to find the order.
    session.connection.execute("UPDATE work_sample SET photo_id = 9 WHERE position = 1")
    session.connection.execute("SET enable_indexscan = off")
    session.connection.execute("SET enable_bitmapscan = off")
    assert fetch(session, 0, 2) == [[3, 0], [1, 0]]


def test_asking_for_more_rows_than_there_are_gives_all(session: Session) -> None:
    make_sample(session, [[3, 0], [1, 0]])
    assert fetch(session, 0, 50) == [[3, 0], [1, 0]]
    assert fetch(session, 1, 50) == [[1, 0]]
