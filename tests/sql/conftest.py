"""Sessions for tests of single statements."""

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

import pytest

from fluffy_sql.postgres.session import Session


@pytest.fixture(scope="package")
def shared_url(empty_database: Callable[..., Any], template: str) -> Iterator[str]:
    """A migrated database that every test leaves as empty as it was."""
    with empty_database(template) as url:
        yield url


@pytest.fixture(scope="package")
def opened(shared_url: str) -> Iterator[Session]:
    """A session on it that stays open: a server process has much to look up when it is new."""
    with Session.open(shared_url) as session:
        yield session


@pytest.fixture
def session(request: pytest.FixtureRequest, opened: Session) -> Iterator[Session]:
    """A session whose every change is undone: far faster than a database of its own.

    It commits to a database of its own if the test asks for that (`database_url`), or for an
    `other` session.
    """
    if "database_url" in request.fixturenames:
        with Session.open(request.getfixturevalue("database_url")) as session:
            yield session
    else:
        session = copy(opened)
        with session.connection.transaction(force_rollback=True):
            yield session
            session.settle()


@pytest.fixture
def other(database_url: str) -> Iterator[Session]:
    """Another session, which sees what the first one commits."""
    with Session.open(database_url) as other:
        yield other


@pytest.fixture
def bare(bare_database_url: str) -> Iterator[Session]:
    """A session on a database that holds nothing."""
    with Session.open(bare_database_url) as session:
        yield session
