"""A password shows nowhere: not in what is printed, logged or kept, whatever goes wrong."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from fluffy_sql.postgres import schema
from fluffy_sql.postgres.session import Session
from tests.conftest import Run
from tests.integration.helpers import query
from tests.security.conftest import Guarded
from tests.security.helpers import (
    LOOKING,
    WORKING,
    add_photos,
    cut_off_a_run,
    make_clusters,
    write_new_photos,
)

COMMANDS = {"migrate": ["migrate"], **LOOKING, **WORKING, "psql": ["psql", "-c", "SELECT 1"]}

TABLES = """
SELECT oid::regclass::text FROM pg_class
WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'fluffy_sql'::regnamespace)
"""


@pytest.fixture(scope="module")
def library(guarded: Guarded) -> Iterator[Session]:
    """A library whose owner needs a password."""
    url = guarded.url(guarded.password)
    schema.migrate(url)
    with Session.open(url) as session:
        make_clusters(session, url)
        add_photos(session, 60, 80)
        yield session


# Addresses with a password in them.
ADDRESSES = {
    "right": "user=guarded password={right} dbname=guarded host={host}",
    "wrong password": "user=guarded password={wrong} dbname=guarded host={host}",
    "wrong password in a URL": "postgresql://guarded:{wrong}@/guarded?host={host}",
    "no such database": "postgresql://guarded:{right}@/none?host={host}",
    "nobody there": "postgresql://guarded:{right}@127.0.0.1:1/guarded",
    "no such host": "postgresql://guarded:{right}@no.such.host.invalid/guarded",
    "not a port": "postgresql://guarded:{right}@host:port/guarded",
    "no such option": "postgresql://guarded:{right}@/guarded?pasword={right}",
    "no URL at all": "guarded:{right}",
    "an @ too many": "postgresql://guarded:@{right}#x@localhost:1/guarded",
    "a / in it": "postgresql://guarded:12/{right}@localhost:1/guarded",
    "an & in it": "jdbc:postgresql://localhost:1/guarded?user=guarded&password=a&{right}=b",
    "a blank in it": "host=localhost port=1 user=guarded password=a {right}=b",
    "no & before it": "postgresql://guarded@localhost:1/guarded?sslmode=prefer?password={right}",
    "half a URL": "postgresql://guarded:{right}%zz@host/guarded",
}


@pytest.mark.parametrize("case", ADDRESSES)
def test_no_command_prints_it(
    case: str, library: Session, guarded: Guarded, run_cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_new_photos()
    wrong = f"wrong{guarded.password}"
    url = ADDRESSES[case].format(right=guarded.password, wrong=wrong, host=guarded.socket.parent)
    monkeypatch.setenv("DATABASE_URL", url)
    for name, command in COMMANDS.items():
        if name == "resume":
            cut_off_a_run(library)
        flags = [] if name == "psql" else ["--json"]
        finished = run_cli(*command, *flags)
        assert guarded.password not in finished.out + finished.err, name
        assert (finished.code == 0) == (case == "right" and name != "undo")
        if name != "psql" and finished.code:
            assert finished.err.splitlines()[-1].startswith("fluffy-sql: ")


def test_neither_the_database_nor_the_servers_log_holds_it(
    library: Session, guarded: Guarded
) -> None:
    rows = [
        text
        for (table,) in query(library, TABLES)
        for (text,) in query(library, f"SELECT t::text FROM {table} AS t")
    ]
    assert any("kmeans" in text for text in rows)
    log = (guarded.folder / "log").read_text(encoding="utf-8")
    assert "INSERT INTO clusters" in log
    assert query(library, "SELECT current_setting('application_name')") == [("fluffy_sql",)]
    assert not any(guarded.password in text for text in [*rows, log])


def test_the_list_of_processes_does_not_show_it(guarded: Guarded, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fluffy_sql", "psql", "-c", "SELECT pg_sleep(60)"]
    environment = {**os.environ, "DATABASE_URL": guarded.url(guarded.password)}
    asleep = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sl'"
    with (
        subprocess.Popen(
            command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL
        ) as running,
        psycopg.connect(guarded.admin_url, autocommit=True) as admin,
    ):
        there = asleep.replace("pg_terminate_backend", "")
        while not admin.execute(there.encode()).fetchall():
            assert running.poll() is None
            time.sleep(0.05)
        program = psutil.Process(running.pid)
        lines = [" ".join(process.cmdline()) for process in [program, *program.children()]]
        admin.execute(asleep.encode())
    assert len(lines) == 2
    assert "pg_sleep" in lines[1]
    assert not any(guarded.password in line for line in lines)
