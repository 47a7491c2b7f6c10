"""What `fluffy-sql duplicates` does."""

from fluffy_sql.operations.duplicates import DuplicatesRequest, find_duplicates
from fluffy_sql.postgres.session import Session
from fluffy_sql.settings import DatabaseSettings


def run(url: str, _k: None) -> None:
    """Finds groups of near-duplicates."""
    request = DuplicatesRequest(connections=DatabaseSettings().connections)
    with Session.open(url) as session:
        find_duplicates(session, request)
