"""Databases on Citus: a coordinator and its workers."""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from fluffy_sql.postgres import schema
from fluffy_sql.postgres.session import Session
from tests.citus.containers import citus_in_containers
from tests.citus.local_server import LocalServer
from tests.conftest import docker_answers

NODES = """
    SELECT nodename, nodeport, groupid FROM pg_dist_node
    WHERE noderole = 'primary' ORDER BY groupid
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/tests/citus/" in item.path.as_posix():
            item.add_marker(pytest.mark.citus)


@pytest.fixture(scope="session")
def nodes() -> Iterator[list[str]]:
    """Addresses of all servers, the coordinator's first.

    The role must be a superuser, and may connect to each of them.
    """
    with servers() as urls:
        yield urls


@contextmanager
def servers() -> Iterator[list[str]]:
    """Those that CITUS_TEST_URL's coordinator knows, else some in containers."""
    if url := os.environ.get("CITUS_TEST_URL"):
        yield _known_to(url)
    elif not docker_answers():
        pytest.skip("CITUS_TEST_URL names no coordinator of Citus, and no Docker engine answers")
    elif one_of_several():
        pytest.skip(
            "each process of these tests would start three containers: run tests/citus in one"
        )
    else:
        with citus_in_containers() as urls:
            yield urls


def one_of_several() -> bool:
    """Whether other processes run tests beside this one."""
    return os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1") != "1"


def _known_to(url: str) -> list[str]:
    with closing(psycopg.connect(url)) as coordinator:
        rows = coordinator.execute(NODES).fetchall()
    workers = [make_conninfo(url, host=host, port=port) for host, port, group in rows if group]
    if len(workers) < 2:
        pytest.skip("the coordinator that CITUS_TEST_URL names has fewer than two workers")
    return [url, *workers]


def run(url: str, *statements: sql.SQL | sql.Composed) -> None:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def citus_database(nodes: list[str]) -> Iterator[Callable[[], Any]]:
    """Makes databases with Citus and pgvector on all servers, and drops them."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(database_on(nodes))


@contextmanager
def database_on(nodes: list[str]) -> Iterator[str]:
    name = sql.Identifier(f"fluffy_test_{uuid.uuid4().hex}")
    urls = [make_conninfo(url, dbname=name.as_string().strip('"')) for url in nodes]
    # Each server gets the database itself, whether or not the coordinator would tell it to.
    local = sql.SQL("SET citus.enable_create_database_propagation = off")
    try:
        for server, url in zip(nodes, urls, strict=True):
            run(server, local, sql.SQL("CREATE DATABASE {}").format(name))
            run(url, sql.SQL("CREATE EXTENSION citus"), sql.SQL("CREATE EXTENSION vector"))
        with closing(psycopg.connect(nodes[0])) as coordinator:
            rows = coordinator.execute(NODES).fetchall()
        with closing(psycopg.connect(urls[0], autocommit=True)) as coordinator:
            for host, port, group in rows:
                if group:
                    coordinator.execute("SELECT citus_add_node(%s, %s)", (host, port))
                else:
                    coordinator.execute("SELECT citus_set_coordinator_host(%s, %s)", (host, port))
        yield urls[0]
    finally:
        # The coordinator first: it keeps connections to the others.
        for server in nodes:
            run(server, local, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


@pytest.fixture
def citus_url(citus_database: Callable[[], str]) -> str:
    """A migrated database with Citus, nothing of it distributed yet."""
    url = citus_database()
    schema.migrate(url)
    return url


@pytest.fixture
def citus_session(citus_url: str) -> Iterator[Session]:
    """A session on `citus_url`; it does not learn of a later `distribute`."""
    with Session.open(citus_url) as session:
        yield session


@pytest.fixture
def mortal_worker(nodes: list[str], tmp_path: Path) -> Iterator[LocalServer]:
    """The last worker, to be killed; whatever happens, it runs again afterwards."""
    if one_of_several():
        pytest.skip("other processes of these tests are at work on the worker that would be killed")
    worker = LocalServer.find(nodes[-1])
    if worker is None:
        pytest.skip(
            "the last worker runs on another machine, or as a user whose processes we may not kill"
        )
    yield worker
    worker.start(tmp_path / "worker.log")
