"""The tables that a run works in: empty when it begins with them, and empty afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

from fluffy_sql.postgres.session import Session


@contextmanager
def work_tables(session: Session, *names: str) -> Iterator[None]:
    """Lends out work tables without rows; whatever happens, none is left in them.

    Other runs must be kept out. Names are as in `migrations/0005_work_tables.sql`.
    """
    empty(session, *names)
    try:
        yield
    except BaseException:
        session.release("work_tables/empty", names=list(names))
        raise
    session.send("work_tables/empty", names=list(names))


def empty(session: Session, *names: str) -> None:
    """Empties work tables; without names all of them. Other runs must be kept out."""
    session.fetch_value("work_tables/empty", names=list(names) or None)


def analyze(session: Session, name: str, column: str | None = None) -> None:
    """Tells the planner how many rows a work table has, from one column if others take long."""
    session.fetch_value("work_tables/analyze", name=name, column_name=column)
