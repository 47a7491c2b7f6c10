"""A real Postgres for the tests that need one, and a database of its own for each of them."""

import gc
import os
import shutil
import tempfile
import uuid
import warnings
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

# Before numpy is there: several threads of it beside the other workers wait for each other busily.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

from collections.abc import Callable, Iterator

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from fluffy_sql.cli.main import run as run_command_line
from fluffy_sql.postgres import embedded, schema
from fluffy_sql.postgres.session import Session

ROOM_FOR_A_SERVER = 4 * 2**30
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


# Fixtures that start a server or talk to one.
SERVERS = {"guarded", "nodes", "own_server", "server_url", "servers"}


def pytest_collection() -> None:
    gc.disable()


def pytest_collection_finish() -> None:
    """What thousands of tests consist of stays: to look for garbage in it takes 0.3 s each time."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test that uses a database, so that `-m "not database"` runs the rest alone."""
    for item in items:
        if SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.database)


@pytest.fixture(autouse=True)
def _no_server_without_the_marker(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if request.node.get_closest_marker("database") is None:
        monkeypatch.delattr(embedded.EmbeddedServer, "start")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings come from the test alone."""
    for name in ("DATABASE_URL", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A server: TEST_DATABASE_URL's, else one in a container, else the embedded one.

    The role must be allowed to create databases.
    """
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
    elif docker_answers():
        with _container() as url:
            _trade_safety_for_speed(url)
            yield url
    else:
        with folder_of_a_server() as folder, ExitStack() as at_the_end:
            with pytest.MonkeyPatch.context() as patch:
                # PostgreSQL's own number: each DROP looks through all of them.
                patch.setattr(embedded, "_MOST_SHARED_BUFFERS", 128 * 2**20)
                server = at_the_end.enter_context(embedded.embedded_server(folder / "data"))
            _trade_safety_for_speed(server.url)
            yield server.url


@contextmanager
def folder_of_a_server() -> Iterator[Path]:
    """A folder for the data of a server: in memory, if there is room.

    A database has 300 files. To make and drop it takes 25 ms in memory and 120 ms on a disk at its
    best. Not in pytest's own folder: another session of pytest would tidy that away under a running
    server.
    """
    memory = Path("/dev/shm")  # noqa: S108 - what is made there is ours alone
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= ROOM_FOR_A_SERVER
    with tempfile.TemporaryDirectory(
        prefix="fluffy_", dir=memory if roomy else None, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def _trade_safety_for_speed(url: str) -> None:
    """A server that is thrown away need not survive a power cut, nor is it there for long.

    Autovacuum would come at its own time, with locks and snapshots that tests do not expect.
    """
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET fsync = off")
        admin.execute("ALTER SYSTEM SET full_page_writes = off")
        admin.execute("ALTER SYSTEM SET autovacuum = off")
        admin.execute("SELECT pg_reload_conf()")


def docker_answers() -> bool:
    """Whether a Docker engine is there for us."""
    import docker

    with warnings.catch_warnings():
        # Where no engine answers, the client leaves its socket to the collector, which warns of it.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            with closing(docker.from_env()) as client:
                return bool(client.ping())
        except docker.errors.DockerException:
            return False
        finally:
            gc.collect()


@contextmanager
def _container() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from testcontainers.community.postgres import PostgresContainer

        with PostgresContainer("pgvector/pgvector:pg17", driver=None) as container:
            yield container.get_connection_url()


@pytest.fixture(scope="session")
def empty_database(server_url: str) -> Iterator[Callable[[], Any]]:
    """Makes databases, empty or from a template, and drops them."""
    with psycopg.connect(server_url, autocommit=True) as admin:
        # what 14 does anyway, and has no word for
        by_file = "" if admin.info.server_version < 150_000 else " STRATEGY file_copy"

        @contextmanager
        def make(template: str = "template0") -> Iterator[str]:
            name = f"fluffy_test_{uuid.uuid4().hex}"
            admin.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}{}").format(
                    sql.Identifier(name), sql.Identifier(template), sql.SQL(by_file)
                )
            )
            try:
                yield make_conninfo(server_url, dbname=name)
            finally:
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

        yield make


@pytest.fixture(scope="session")
def template(empty_database: Callable[..., Any]) -> Iterator[str]:
    """The name of a migrated database without photos, to be cloned."""
    with empty_database() as url:
        schema.migrate(url)
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture(scope="session")
def filled(
    empty_database: Callable[..., Any], template: str
) -> Iterator[Callable[[Callable[[Session], object]], str]]:
    """The name of a migrated database that a function filled, once, to be cloned for each test."""
    with ExitStack() as at_the_end:

        @cache
        def made(fill: Callable[[Session], object]) -> str:
            url = at_the_end.enter_context(empty_database(template))
            with Session.open(url) as session:
                fill(session)
            return str(conninfo_to_dict(url)["dbname"])

        yield made


@pytest.fixture
def bare_database_url(empty_database: Callable[..., Any]) -> Iterator[str]:
    """A database that holds nothing at all."""
    with empty_database() as url:
        yield url


@pytest.fixture
def database_url(empty_database: Callable[..., Any], template: str) -> Iterator[str]:
    """A migrated database without photos."""
    with empty_database(template) as url:
        yield url


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    """A session on a migrated database without photos."""
    with Session.open(database_url) as session:
        yield session


def add_photos(session: Session, embeddings: Any, paths: list[str] | None = None) -> list[int]:
    """Adds photos p0, p1, ...; a row that is None has no embedding. Returns their ids."""
    names = paths or [f"p{i}" for i in range(len(embeddings))]
    rows = [
        (name, None if row is None else np.asarray(row, dtype=np.float32))
        for name, row in zip(names, embeddings, strict=True)
    ]
    with session.connection.cursor() as cursor:
        with cursor.copy("COPY photos (path, embedding) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["text", "vector"])
            for row in rows:
                copy.write_row(row)
        cursor.execute("SELECT id FROM photos WHERE path = ANY(%s) ORDER BY id", (names,))
        return [row[0] for row in cursor.fetchall()]


@pytest.fixture(name="add_photos")
def _add_photos(session: Session) -> Callable[..., list[int]]:
    return partial(add_photos, session)


@dataclass(frozen=True)
class Finished:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    def refusal(self, code: int = 1) -> str:
        """The line on stderr that it ended with, having printed nothing else."""
        assert (self.code, self.out) == (code, ""), self
        assert self.err.startswith("fluffy-sql: ")
        assert self.err.count("\n") == 1
        return self.err.removeprefix("fluffy-sql: ").removesuffix("\n")


Run = Callable[..., Finished]


@pytest.fixture
def run_cli(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Run:
    """Runs a command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Finished:
        capfd.readouterr()
        code = run_command_line(list(arguments))
        captured = capfd.readouterr()
        return Finished(code, captured.out, captured.err)

    return run


@pytest.fixture
def on_database(run_cli: Run, database_url: str) -> Run:
    """Runs a command on a migrated database."""

    def run(command: str, *arguments: str) -> Finished:
        return run_cli(command, *arguments, "--database-url", database_url)

    return run


def made_library(
    seed: int, *, photos: int = 600, themes: int = 8, dimensions: int = 16, spread: float = 0.1
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Unit vectors about random directions: embeddings (photos, dimensions), and themes."""
    generator = np.random.default_rng(seed)
    centers = generator.normal(size=(themes, dimensions))
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    labels = generator.integers(themes, size=photos)
    rows = centers[labels] + spread * generator.normal(size=(photos, dimensions))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32), labels
