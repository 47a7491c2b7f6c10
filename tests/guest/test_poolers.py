"""PgBouncer in between: runs are refused before they set anything, and looking leaves nothing."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from fluffy_sql.errors import DatabaseError
from fluffy_sql.postgres import pooler
from fluffy_sql.postgres.session import Session
from tests.guest.helpers import Run, add_photos, ask, execute, is_refused, kill_at_work, succeeds
from tests.guest.poolers import find_pgbouncer, pgbouncer
from tests.integration.helpers import generate

pytestmark = pytest.mark.skipif(
    find_pgbouncer() is None, reason="there is no pgbouncer here (apt install pgbouncer)"
)

POOL = 2
REFUSED = "is a pooler in transaction mode, where a run can keep neither its settings nor its lock"

# Each changes something, or would keep others out.
WORK = (
    ("generate", "--k", "3"),
    ("generate", "--k", "3", "--recluster"),
    ("generate", "--k", "3", "--dry-run"),
    ("generate", "--explain"),
    ("generate", "--resume"),
    ("assign",),
    ("assign", "--moved", "--dry-run"),
    ("sweep", "--k", "2..4"),
    ("import", "photos.npy", "--paths", "photos.csv"),
    ("runs", "undo", "1"),
    ("distribute",),
    ("migrate",),
    ("detach",),
    ("migrate", "--rollback", "--yes"),
)
LOOKS = (
    ("clusters",),
    ("runs",),
    ("runs", "show", "1"),
    ("runs", "diff", "1", "2"),
    ("report", "--out", "report"),
    ("check",),
    ("check", "--repair"),
)

# What a session has that outlives a transaction. Its settings, but for those that a pooler itself
# carries from client to client.
BELONGINGS = """
SELECT 'setting', name FROM pg_settings
WHERE source = 'session' AND name NOT IN
    ('client_encoding', 'DateStyle', 'TimeZone', 'standard_conforming_strings', 'application_name')
UNION ALL SELECT 'time zone', setting FROM pg_settings WHERE name = 'TimeZone' AND setting = 'UTC'
UNION ALL SELECT 'own setting', current_setting('fluffy_sql.schema', TRUE)
WHERE current_setting('fluffy_sql.schema', TRUE) <> ''
UNION ALL SELECT 'temporary table', relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()
UNION ALL SELECT 'prepared statement', name FROM pg_prepared_statements
UNION ALL SELECT 'lock', mode FROM pg_locks
WHERE locktype = 'advisory'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def look_around(url: str) -> dict[int, list[Any]]:
    """What each server connection of the pool has, by its process: two clients of it ask."""
    with ExitStack() as stack:
        clients = [
            stack.enter_context(psycopg.connect(url, prepare_threshold=None)) for _ in range(POOL)
        ]
        backends = [client.execute("SELECT pg_backend_pid()").fetchone() for client in clients]
        found = [client.execute(BELONGINGS).fetchall() for client in clients]
    return {row[0]: has for row, has in zip(backends, found, strict=True) if row}


@pytest.fixture(scope="module")
def library(empty_database: Callable[..., Any], template: str) -> Iterator[str]:
    """Two runs, and photos without a cluster."""
    with empty_database(template) as url:
        name = str(conninfo_to_dict(url)["dbname"])
        execute(url, f"ALTER DATABASE {name} SET TimeZone = 'Asia/Tokyo'")
        add_photos(url)
        generate(url, k=3)
        generate(url, k=4, recluster=True)
        add_photos(url, 10, seed=2, prefix="new")
        yield name


@pytest.fixture
def library_url(empty_database: Callable[..., Any], library: str, tmp_path: Path) -> Iterator[str]:
    """A copy of the library; files to import."""
    rows = np.random.default_rng(3).normal(size=(5, 8)).astype(np.float32)
    np.save(tmp_path / "photos.npy", rows)
    (tmp_path / "photos.csv").write_text("path\n" + "".join(f"n{n}\n" for n in range(5)))
    with empty_database(library) as url:
        yield url


EVERYTHING = (
    "SELECT (SELECT array_agg(p::text ORDER BY id) FROM photos AS p),"
    " (SELECT array_agg(c::text ORDER BY id) FROM clusters AS c),"
    " (SELECT array_agg(r::text ORDER BY id) FROM fluffy_sql.cluster_runs AS r)"
)


def test_in_transaction_mode_work_is_refused_before_anything_is_set_and_looking_leaves_nothing(
    library_url: str, run_cli: Run
) -> None:
    before = ask(library_url, EVERYTHING)
    with pgbouncer(library_url, "transaction") as pooled:
        backends = look_around(pooled)
        assert list(backends.values()) == [[]] * POOL
        for arguments in WORK:
            line = is_refused(run_cli, pooled, *arguments)
            assert REFUSED in line, arguments
            assert line.endswith("; commands that only look work here")
            assert look_around(pooled) == backends, arguments
        for arguments in LOOKS:
            finished = run_cli(*arguments, "--json", "--database-url", pooled)
            assert (finished.code, finished.err) == (0, ""), arguments
            json.loads(finished.out)
            # the same processes: none had to be ended since somebody left it in a transaction
            assert look_around(pooled) == backends, arguments
    assert ask(library_url, EVERYTHING) == before


def test_a_check_repairs_through_it(library_url: str, run_cli: Run) -> None:
    execute(library_url, "UPDATE clusters SET photos_count = 1234 WHERE id = 1")
    with pgbouncer(library_url, "transaction") as pooled:
        backends = look_around(pooled)
        assert run_cli("check", "--database-url", pooled).code == 1
        succeeds(run_cli, pooled, "check", "--repair")
        succeeds(run_cli, pooled, "check")
        assert look_around(pooled) == backends


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_psql_goes_through_it_and_is_told_to_name_the_schema(
    mode: str, library_url: str, run_cli: Run
) -> None:
    with pgbouncer(library_url, mode) as pooled:
        finished = run_cli(
            *("psql", "--database-url", pooled, "--no-psqlrc"),
            *("-Atc", "SELECT count(*) FROM fluffy_sql.cluster_overview"),
        )
        assert (finished.code, finished.out) == (0, "4\n")
        assert "This address is a pooler: write the schema fluffy_sql" in finished.err
        if mode == "transaction":
            assert list(look_around(pooled).values()) == [[]] * POOL


@pytest.mark.parametrize("pool_size", [1, 2, 5])
@pytest.mark.parametrize("round_robin", [0, 1])
@pytest.mark.parametrize("mode", ["session", "transaction", "statement"])
def test_the_mode_of_a_quiet_pool_is_told(
    mode: str, round_robin: int, pool_size: int, server_url: str
) -> None:
    with pgbouncer(server_url, mode, pool_size=pool_size, server_round_robin=round_robin) as pooled:
        if mode == "session":
            Session.open(pooled).close()
            return
        with pytest.raises(DatabaseError, match=REFUSED):
            Session.open(pooled)


def bustle(url: str, stopped: Event, number: int) -> None:
    """A client of the same pool: short transactions, one after the other."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        while not stopped.is_set():
            with connection.transaction():
                connection.execute("SELECT pg_sleep(0.002)")
                connection.execute("SELECT pg_sleep(0.001 * %s)", (number,))


@pytest.mark.parametrize("pool_size", [1, 3])
@pytest.mark.parametrize("round_robin", [0, 1])
def test_transaction_mode_is_told_while_others_are_busy(
    round_robin: int, pool_size: int, server_url: str
) -> None:
    stopped = Event()
    with (
        pgbouncer(
            server_url, "transaction", pool_size=pool_size, server_round_robin=round_robin
        ) as pooled,
        ThreadPoolExecutor(4) as pool,
    ):
        others = [pool.submit(bustle, pooled, stopped, number) for number in range(4)]
        try:
            for _ in range(10):
                with pytest.raises(DatabaseError, match=REFUSED):
                    Session.open(pooled)
        finally:
            stopped.set()
        for other in others:
            other.result()


def test_transaction_mode_is_told_while_all_of_the_pool_is_lent(
    server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody takes the only connection, and keeps it, after it told us its process."""
    monkeypatch.setattr(pooler, "_PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(pooler, "_LONGEST_ANSWER_SECONDS", 0.1)
    with (
        pgbouncer(server_url, "transaction", pool_size=1) as pooled,
        psycopg.connect(pooled) as greedy,
        closing(psycopg.connect(pooled, autocommit=True)) as first,
    ):

        def connect() -> psycopg.Connection[Any]:
            greedy.execute("SELECT")
            return psycopg.connect(pooled, autocommit=True)

        assert pooler.shares_connections(first, connect)


def test_in_statement_mode_looking_is_refused_in_one_line(server_url: str, run_cli: Run) -> None:
    with pgbouncer(server_url, "statement") as pooled:
        assert is_refused(run_cli, pooled, "clusters") == (
            "Postgres: transaction blocks not allowed in statement pooling mode; name the server"
            " behind the pooler, or a pool in session mode"
        )


# Session mode


def test_in_session_mode_all_works(
    library_url: str, run_cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a pool of 2 as well: a run that would have 3 connections makes do with them."""
    monkeypatch.setattr(pooler, "_LONGEST_ANSWER_SECONDS", 0.2)
    impossible = (("distribute",), ("generate", "--resume"), ("runs", "undo", "1"))
    with pgbouncer(library_url, "session") as pooled:
        for arguments in (("runs", "undo", "2"), *LOOKS, *WORK):
            if arguments not in impossible:
                succeeds(run_cli, pooled, *arguments)
        assert list(look_around(pooled).values()) == [[]] * POOL


def test_a_pool_with_no_connection_left_is_told_in_one_line(
    library_url: str, run_cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooler, "_LONGEST_ANSWER_SECONDS", 0.2)
    with pgbouncer(library_url, "session", pool_size=1) as pooled:
        finished = run_cli("generate", "--k", "3", "--database-url", pooled)
        assert finished.code == 1
        assert (
            " is a pooler that has no connection left for this run, which needs two or more: raise"
            " its pool size, or use the address of the server itself; the address is from"
        ) in finished.err.splitlines()[-1]
        succeeds(run_cli, pooled, "clusters")
    assert ask(library_url, "SELECT status FROM fluffy_sql.cluster_runs WHERE id = 3") == [
        ("failed",)
    ]


def test_a_run_that_is_killed_leaves_no_lock_in_the_pool(library_url: str, run_cli: Run) -> None:
    with pgbouncer(library_url, "session", pool_size=4) as pooled:
        kill_at_work(library_url, "generate", "--k", "3", through=pooled)
        succeeds(run_cli, pooled, "generate", "--k", "2")
