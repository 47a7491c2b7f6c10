"""Runs the examples of the docs as a reader would, and compares what they print.

The tutorial runs in a folder that looks like a fresh clone. Every other page runs on a copy of the
database that the tutorial leaves, from its first block to its last.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from fluffy_sql.cli import main as cli
from fluffy_sql.postgres.embedded import embedded_server
from fluffy_sql.postgres.programs import find_psql
from tests.docs.pages import CHECKOUT, DOCS, Block, blocks_of

TUTORIAL = DOCS / "tutorial.md"
# What a reader's clone is called in the examples.
CLONE = "/home/me/fluffy_sql"

# A line of three dots stands for lines that are left out.
_LEFT_OUT = "..."
_SHELL = re.compile(r"[|><;$#&`\\]")
# What differs from run to run, or from machine to machine.
_VARIES = tuple(
    (re.compile(pattern), shown)
    for pattern, shown in (
        (r"\b\d+\.\d+ s\b", "# s"),
        (r"[\d.,]+ MB\b", "# MB"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?: UTC|  +\d+\.\d)?", "<when>"),
        (r"^(backend_pid|\w+_version|started_by|seconds) .*", r"\1"),
        (r"-{2,}", "--"),
    )
)


@dataclass(frozen=True)
class Example:
    """A command of a console block, and what the page says that it prints."""

    command: str
    printed: str


def examples_of(block: Block) -> list[Example]:
    """The commands of a block, which begin with `$ `."""
    found = re.findall(r"^\$ (.*(?:\\\n.*)*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE)
    return [Example(command, printed) for command, printed in found]


def same(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed, but for what varies."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == _LEFT_OUT else re.escape(line) + r"\n" for line in _lines(shown)
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _lines(printed))) is not None


def _lines(text: str) -> list[str]:
    lines = []
    timed = False
    for raw in text.strip("\n").splitlines():
        line = raw
        for pattern, shown in _VARIES:
            line = pattern.sub(shown, line)
        line = " ".join(line.split())
        # The last column of a table, where that is how long each row took.
        if timed:
            line = re.sub(r" \d+\.\d+$", "", line)
        timed = timed or line.endswith("seconds")
        lines.append(line)
    return lines


@contextmanager
def _standard_streams(descriptor: int) -> Iterator[None]:
    """Has this process and those that it starts print into a file."""
    saved = {number: os.dup(number) for number in (1, 2)}
    try:
        for number in saved:
            os.dup2(descriptor, number)
        with (
            open(os.dup(descriptor), "w", encoding="utf-8", buffering=1) as printed,  # noqa: PTH123
            redirect_stdout(printed),
            redirect_stderr(printed),
        ):
            yield
    finally:
        for number, kept in saved.items():
            os.dup2(kept, number)
            os.close(kept)


@dataclass
class Reader:
    """Someone who follows a page, in a folder and with a database.

    Attributes:
        folder: where commands are run.
        programs: where they are found.
        database_url: of the page's own database; None: the embedded one.
        names: what its blocks of Python defined so far.
    """

    folder: Path
    programs: Path
    database_url: str | None = None
    names: dict[str, Any] = field(default_factory=dict)

    def run(self, command: str) -> str:
        """What a command prints, on either stream."""
        words = [] if _SHELL.search(command) else shlex.split(command)
        if words[:1] == ["fluffy-sql"]:
            printed = self._run_here(partial(cli.run, words[1:]))
        else:
            database = {"DATABASE_URL": self.database_url} if self.database_url else {}
            printed = in_shell(command, self.folder, self.programs, **database).stdout
        return printed.replace(str(self.folder), CLONE)

    def run_python(self, text: str) -> None:
        """Runs a block of Python, as in a notebook."""
        self._run_here(partial(exec, text, self.names))

    def _run_here(self, run: Callable[[], object]) -> str:
        """In this process: starting another takes longer than most commands."""
        with tempfile.TemporaryFile() as file:
            with (
                pytest.MonkeyPatch.context() as patch,
                chdir(self.folder),
                _standard_streams(file.fileno()),
            ):
                if self.database_url:
                    patch.setenv("DATABASE_URL", self.database_url)
                run()
            file.seek(0)
            return file.read().decode()

    def execute(self, statements: str) -> None:
        """Runs SQL as `fluffy-sql psql` would find its names.

        Raises:
            psycopg.Error: the server refused a statement.
        """
        if self.database_url is None:
            raise ValueError("no SQL on the tutorial's library but by its commands")
        options = "-c search_path=fluffy_sql,public"
        with psycopg.connect(self.database_url, autocommit=True, options=options) as connection:
            connection.execute(statements.encode())


def in_shell(
    recipe: str, folder: Path, programs: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs commands in a folder; what they print on either stream is in stdout."""
    return subprocess.run(
        ["sh", "-eu", "-c", recipe],
        cwd=folder,
        env={
            # what `make test` hands on would have a make inside say where it is
            **{name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")]),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def write_programs(folder: Path) -> Path:
    """A folder with the programs that pages name: ours, Python and psql; uv finds all installed."""
    folder.mkdir()
    _write_program(folder / "uv", "exit 0")
    _write_program(
        folder / "python3",
        f'[ "$2" = venv ] || exec "{sys.executable}" "$@"\n'
        f'mkdir -p .venv/bin && ln -s "{folder}/python" .venv/bin/python',
    )
    _write_program(folder / "fluffy-sql", f'exec "{sys.executable}" -m fluffy_sql "$@"')
    _write_program(folder / "python", f'exec "{sys.executable}" "$@"')
    _write_program(folder / "psql", f'exec "{find_psql(prefer_embedded=True)}" "$@"')
    return folder


@contextmanager
def fresh_clone(folder: Path) -> Iterator[Reader]:
    """A folder that looks like a clone to make, with an embedded server that is not stopped."""
    clone = folder / "clone"
    clone.mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "docs", "examples"):
        (clone / name).symlink_to(CHECKOUT / name)
    with embedded_server(clone / ".fluffy_sql" / "postgres"):
        yield Reader(clone, write_programs(folder / "programs"))


def _write_program(file: Path, text: str) -> None:
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o755)


@contextmanager
def reader_of(page: Path, tutorial: Reader) -> Iterator[Reader]:
    """One who has followed the tutorial, and now reads another page."""
    with embedded_server(tutorial.folder / ".fluffy_sql" / "postgres") as server:
        library = conninfo_to_dict(server.url)["dbname"]
        name = sql.Identifier(page.stem)
        with psycopg.connect(
            make_conninfo(server.url, dbname="template1"), autocommit=True
        ) as admin:
            admin.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(str(library)))
            )
            try:
                url = make_conninfo(server.url, dbname=page.stem)
                yield Reader(tutorial.folder, tutorial.programs, url)
            finally:
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def run_block(block: Block, reader: Reader) -> list[str]:
    """What each command of a console block prints; nothing for SQL and Python, which is run."""
    if block.language == "sql":
        reader.execute(block.text)
    if block.language == "python":
        reader.run_python(block.text)
    return [reader.run(example.command) for example in examples_of(block)]


def blocks_to_run(page: Path) -> list[Block]:
    return [block for block in blocks_of(page) if block.language in {"console", "python", "sql"}]
