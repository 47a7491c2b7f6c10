"""Streams that are closed, full or left by their reader: no work is lost, and codes are true."""

import json
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fluffy_sql.cli.console import print_result
from fluffy_sql.cli.stopping import hear_stops
from fluffy_sql.cli.streams import Results
from fluffy_sql.postgres.session import Session
from tests.conftest import Run, add_photos, made_library
from tests.integration.helpers import generate, query
from tests.integration.test_cli import python

Shell = Callable[..., subprocess.CompletedProcess[str]]

NO_RESULT = "fluffy-sql: the result could not be printed: "
COMMITTED = "fluffy-sql: run 1 was committed, but its result could not be printed: "
FULL = "No space left on device"
CLOSED = "Bad file descriptor"


@pytest.fixture
def shell(session: Session, database_url: str, tmp_path: Path) -> Shell:
    """Runs a command on a database with 600 photos, and sends its output somewhere."""
    add_photos(session, made_library(1)[0])

    def run(redirected: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return python(*arguments, folder=tmp_path, pipe=f" {redirected}", DATABASE_URL=database_url)

    return run


def statuses(session: Session) -> list[tuple[int, str]]:
    return query(session, "SELECT id, status FROM cluster_runs ORDER BY id")


@pytest.mark.parametrize(
    ("command", "redirected", "why"),
    [
        ("runs", ">&-", CLOSED),
        ("runs", ">&- <&-", CLOSED),
        ("runs", ">/dev/full", FULL),
        ("runs --json", ">/dev/full", FULL),
        ("--help", ">/dev/full", FULL),
        ("--version", ">&-", CLOSED),
    ],
)
def test_what_can_not_be_printed_is_one_line_and_code_1(
    shell: Shell, command: str, redirected: str, why: str
) -> None:
    finished = shell(redirected, *command.split())
    assert (finished.returncode, finished.stderr) == (1, f"{NO_RESULT}{why}\n")


@pytest.mark.parametrize(
    ("flags", "redirected", "why"),
    [([], ">&-", CLOSED), ([], ">/dev/full", FULL), (["--json"], ">/dev/full", FULL)],
)
def test_what_was_committed_is_told_as_committed(
    shell: Shell, session: Session, flags: list[str], redirected: str, why: str
) -> None:
    finished = shell(redirected, "generate", "--k", "5", *flags)
    assert (finished.returncode, finished.stderr.splitlines()[-2:]) == (
        1, ["commit", f"{COMMITTED}{why}"],
    )  # fmt: skip
    assert statuses(session) == [(1, "succeeded")]


def test_every_command_that_writes_says_so(
    on_database: Run, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process: starting another ten times takes longer than what they do."""
    add_photos(session, made_library(1)[0])
    (tmp_path / "p.csv").write_text('path,embedding\nnew.jpg,"' + "[1" + ",0" * 15 + ']"\n')
    generate(session, k=5)
    its = f"but its result could not be printed: {FULL}"
    for told, arguments in (
        ("the import was committed", ("import", "p.csv")),
        ("run 2 was committed", ("assign",)),
        ("run 3 was committed", ("runs", "undo", "2")),
        ("nothing was changed", ("generate", "--recluster", "--dry-run")),
        ("run 4 was committed", ("generate", "--recluster", "--k", "2")),
        ("the clusters were deleted", ("clusters", "prune")),
        ("the report was written", ("report", "--out", "report")),
        ("the migration was committed", ("migrate",)),
        ("they were removed", ("detach",)),
        ("the rollback was committed", ("migrate", "--rollback", "--yes")),
    ):
        with Path("/dev/full").open("wb") as full:
            monkeypatch.setattr(sys, "stdout", Results(full, encoding="utf-8"))
            finished = on_database(*arguments)
        assert finished.code == 1
        assert finished.err.splitlines()[-1] == f"fluffy-sql: {told}, {its}"


def test_a_result_that_the_database_does_not_give_any_more_is_told_with_what_was_committed(
    shell: Shell, session: Session
) -> None:
    """The table of clusters is asked for after the commit."""
    session.connection.execute(
        "CREATE FUNCTION public.forbid() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN DROP VIEW IF EXISTS cluster_members CASCADE; RETURN NULL; END $$;"
        " CREATE CONSTRAINT TRIGGER forbid AFTER UPDATE ON cluster_runs DEFERRABLE INITIALLY"
        " DEFERRED FOR EACH ROW WHEN (NEW.status = 'succeeded') EXECUTE FUNCTION public.forbid()"
    )
    finished = shell("", "generate", "--k", "5")
    assert finished.returncode == 1
    assert finished.stderr.splitlines()[-1].startswith(COMMITTED)
    assert statuses(session) == [(1, "succeeded")]


@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full", "2> >(true)"])
def test_a_run_goes_on_without_its_progress(
    shell: Shell, session: Session, redirected: str
) -> None:
    finished = shell(redirected, "generate", "--k", "5")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.startswith("Run 1: 600 photos in 5 clusters")
    assert statuses(session) == [(1, "succeeded")]


@pytest.mark.parametrize(
    ("pipe", "told"),
    [
        ("2>&1 | head -2", "survey\n600 photos of 16 dimensions\n"),
        ("2>&1 | true", ""),
        (
            "2> >(tail -1 >&2) | true",
            "fluffy-sql: run 1 was committed; the reader of its result left before the end\n",
        ),
    ],
)
def test_a_reader_who_leaves_a_run_is_no_failure(
    shell: Shell, session: Session, pipe: str, told: str
) -> None:
    finished = shell(pipe, "generate", "--k", "5")
    assert (finished.returncode, finished.stdout + finished.stderr) == (0, told)
    assert statuses(session) == [(1, "succeeded")]


@pytest.mark.parametrize(
    ("flags", "pipe"),
    [([], "2>&1 | head -1"), ([], ">&- 2>&-"), (["--json"], "2>&1 | true"), (["--json"], "| true")],
)
def test_a_failed_run_never_ends_with_code_0(
    shell: Shell, session: Session, pipe: str, flags: list[str]
) -> None:
    add_photos(session, [[1.0, 2.0]], ["of another length"])
    finished = shell(pipe, "generate", *flags)
    assert finished.returncode == 1
    assert "Traceback" not in finished.stdout + finished.stderr
    assert statuses(session) == [(1, "failed")]


def test_an_error_is_told_on_the_stream_that_works(shell: Shell) -> None:
    text = shell("2>&-", "runs", "show", "9")
    told = "there is no run 9; fluffy-sql runs lists them"
    assert (text.returncode, text.stdout) == (1, f"fluffy-sql: {told}\n")
    as_json = shell("2>&-", "runs", "show", "9", "--json")
    assert (as_json.returncode, json.loads(as_json.stdout)) == (1, {"error": told, "exit_code": 1})


# Sweeps


def writes_no_file() -> None:
    """As on a full disk: a file can't grow."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@pytest.fixture
def sweeping(
    shell: Shell, database_url: str, tmp_path: Path
) -> Callable[..., subprocess.Popen[str]]:
    def start(*options: str, **how: object) -> subprocess.Popen[str]:
        process: subprocess.Popen[str] = subprocess.Popen(
            [
                *(sys.executable, "-m", "fluffy_sql", "sweep", *options),
                *("--database-url", database_url),
            ],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **how,  # type: ignore[call-overload]
        )
        return process

    return start


@pytest.mark.parametrize(("chart", "flags"), [("sweep.html", []), ("sweep.png", ["--json"])])
def test_a_chart_that_can_not_be_written_costs_neither_the_table_nor_an_earlier_chart(
    sweeping: Callable[..., subprocess.Popen[str]], tmp_path: Path, chart: str, flags: list[str]
) -> None:
    (tmp_path / chart).write_text("earlier")
    process = sweeping("--k", "2,3", "--out", chart, *flags, preexec_fn=writes_no_file)
    out, err = process.communicate()
    assert process.returncode == 1
    assert err.splitlines()[3:] == [
        "k=2",
        "k=3",
        f"fluffy-sql: {chart}: the chart can't be written: File too large",
    ]
    if flags:
        assert [one["k"] for one in json.loads(out)["candidates"]] == [2, 3]
    else:
        assert out.startswith("k ")
        assert "Suggested k: " in out
        assert "Chart: " not in out
    assert (tmp_path / chart).read_text() == "earlier"
    assert [file.name for file in tmp_path.iterdir()] == [chart]


def test_what_can_not_be_printed_can_be_drawn(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "sweep.html").symlink_to("chart.html")
    finished = shell(">/dev/full", "sweep", "--k", "2,3", "--out", "sweep.html")
    assert (finished.returncode, finished.stderr.splitlines()[-1]) == (1, f"{NO_RESULT}{FULL}")
    assert "<svg" in (tmp_path / "chart.html").read_text()
    assert (tmp_path / "sweep.html").is_symlink()


@pytest.mark.parametrize(("signals", "pause"), [(1, 0.0), (40, 0.05)])
def test_whoever_stops_a_sweep_gets_what_it_has(
    sweeping: Callable[..., subprocess.Popen[str]], signals: int, pause: float
) -> None:
    process = sweeping("--k", "2..500", "--steps", "80")
    assert process.stderr is not None
    for line in process.stderr:
        if line == "k=4\n":
            break
    for place in range(signals):
        process.send_signal((signal.SIGINT, signal.SIGTERM)[place % 2])
        time.sleep(pause)
    out, err = process.communicate()
    assert process.returncode == 130
    assert re.match(r"k .*\n *2 .*\n *3 ", out)
    assert "no cluster was written" in out
    assert err.endswith("fluffy-sql: stopped; these are the results so far\n")
    assert "Traceback" not in err


def test_a_run_that_was_committed_is_told_whoever_stops_the_command(
    session: Session, on_database: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_photos(session, made_library(1)[0])

    def stopped(*given: Any, **options: Any) -> None:
        signal.raise_signal(signal.SIGTERM)
        print_result(*given, **options)

    monkeypatch.setattr("fluffy_sql.cli.generate.print_result", stopped)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    hear_stops()
    try:
        finished = on_database("generate", "--k", "3")
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    assert finished.code == 0
    assert finished.out.startswith("Run 1: 600 photos in 3 clusters")
