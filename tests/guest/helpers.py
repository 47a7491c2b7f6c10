"""What the tests of a guest share: the application's own statements, and questions of tests."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.conftest import Finished, made_library

Run = Callable[..., Finished]

PATIENCE_SECONDS = 20


def execute(url: str, *statements: str) -> None:
    """As an application does: with the search_path of its role, and nothing set."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def ask(url: str, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement.encode(), parameters or None).fetchall()


def succeeds(run_cli: Run, url: str, *arguments: str) -> str:
    """Runs a command, which has to succeed; returns what it prints."""
    finished = run_cli(*arguments, "--database-url", url)
    assert finished.code == 0, (arguments, finished.out, finished.err)
    return finished.out


def is_refused(run_cli: Run, url: str, *arguments: str) -> str:
    """Runs a command, which has to say in one line why it does nothing; returns what."""
    finished = run_cli(*arguments, "--database-url", url)
    assert (finished.code, finished.out) == (1, ""), arguments
    [line] = finished.err.splitlines()
    assert line.startswith("fluffy-sql: ")
    return line.removeprefix("fluffy-sql: ")


def run_every_command(run_cli: Run, url: str, commands: Sequence[Sequence[str]]) -> None:
    """Each has to succeed; `import` may take new.csv, of one photo."""
    Path("new.csv").write_text('path,embedding\nimported,"[1,0,0,0,0,0,0,1]"\n', encoding="utf-8")
    for command in commands:
        succeeds(run_cli, url, *command)


def add_photos(url: str, photos: int = 60, *, seed: int = 1, prefix: str = "p") -> None:
    """Photos of 4 themes, of 8 dimensions."""
    rows = made_library(seed, photos=photos, themes=4, dimensions=8)[0]
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO photos (path, embedding) VALUES (%s, %s::real[]::vector)",
            [(f"{prefix}{number}", row.tolist()) for number, row in enumerate(rows)],
        )


def wait_until(happened: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.02)


RUN_LOCK = (
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_WAITING = (
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'relation'"
)


@contextmanager
def at_work(
    url: str, *arguments: str, place: str = "fluffy_sql", through: str | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A run as a process of its own, which has trained and is about to assign photos.

    It goes on when the block ends, and is killed after that if it does not end.

    Args:
        url: the database.
        arguments: of the command.
        place: the schema of the library.
        through: the address that the run is given, if that is another.
    """
    with psycopg.connect(url) as holder:
        # Others may read it, so the run sees that it is empty.
        holder.execute(f"LOCK TABLE {place}.work_assignments IN SHARE MODE".encode())
        process = subprocess.Popen(
            [sys.executable, "-m", "fluffy_sql", *arguments, "--database-url", through or url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda: ask(url, _WAITING))
            yield process
            holder.rollback()
            process.wait(PATIENCE_SECONDS)
        finally:
            process.kill()
            process.wait(PATIENCE_SECONDS)


def kill_at_work(
    url: str, *arguments: str, place: str = "fluffy_sql", through: str | None = None
) -> None:
    """Kills a run that is about to assign photos, and waits until the server knows."""
    with at_work(url, *arguments, place=place, through=through) as process:
        assert ask(url, RUN_LOCK) != []
        process.kill()
        process.wait(PATIENCE_SECONDS)
        wait_until(lambda: ask(url, RUN_LOCK) == [])
