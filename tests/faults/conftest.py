"""A library with a history to befall, and the table of what was found after each fault."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.faults.library import make_library
from tests.faults.own_server import OwnServer
from tests.faults.table import DOCUMENT, Table

WRITE_TABLE = "--write-fault-table"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        WRITE_TABLE,
        action="store_true",
        help="Write what the tests of faults find into docs/explanation/reliability.md.",
    )


@pytest.fixture(scope="session")
def fault_table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """Holds what is found to what docs/explanation/reliability.md says, or writes it there."""
    writes = request.config.getoption(WRITE_TABLE, default=False)
    table = Table(Table.read(DOCUMENT).found, strict=not writes)
    yield table
    if writes:
        table.write(DOCUMENT)


@pytest.fixture(scope="session")
def library_template(empty_database: Callable[..., Any], template: str) -> Iterator[str]:
    with empty_database(template) as url:
        make_library(url)
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture
def library_url(empty_database: Callable[..., Any], library_template: str) -> Iterator[str]:
    """A database with the library of `make_library`."""
    with empty_database(library_template) as url:
        yield url


@pytest.fixture(scope="session")
def own_server() -> Iterator[OwnServer]:
    """A server that a test may stop and start again."""
    with OwnServer.started() as server:
        server.make_library()
        yield server
