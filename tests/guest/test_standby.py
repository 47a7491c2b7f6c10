"""A standby of the application's server: looking works there, and nothing is taken for wrong."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fluffy_sql.errors import MissingExtraError
from fluffy_sql.operations.check import check
from fluffy_sql.postgres import schema
from fluffy_sql.postgres.programs import find_account, find_programs, we_are_root
from tests.conftest import folder_of_a_server
from tests.guest.helpers import Run, add_photos, ask, at_work, execute, is_refused, wait_until
from tests.integration.helpers import generate

IS_STANDBY = "is a standby, which follows another server: name its primary"
SETTINGS = (
    "-c listen_addresses='' -c unix_socket_directories=. -c fsync=off"
    " -c wal_level=replica -c max_wal_senders=4 -c hot_standby=on"
)


class Machine:
    """A folder with servers in it, that all are one user's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = find_programs()
        self.account = find_account()
        folder.chmod(0o700)
        if we_are_root():
            os.chown(folder, self.account.pw_uid, self.account.pw_gid)

    def run(self, program: str, *arguments: str) -> None:
        user: dict[str, Any] = {}
        if we_are_root():
            ids = {"user": self.account.pw_uid, "group": self.account.pw_gid}
            user = {**ids, "extra_groups": []}
        subprocess.run(
            [self.programs / program, *arguments],
            cwd=self.folder,
            check=True,
            capture_output=True,
            timeout=60,
            **user,
        )

    def address(self, port: int) -> str:
        return f"host={self.folder / str(port)} port={port} user=postgres dbname=postgres"

    @contextmanager
    def server(self, port: int) -> Iterator[str]:
        """Starts the server whose data are in the folder of that number."""
        options = f"{SETTINGS} -p {port}"
        data = ("-D", str(port))
        self.run("pg_ctl", *data, "-w", "-l", f"{port}.log", "-o", options, "start")
        try:
            yield self.address(port)
        finally:
            self.run("pg_ctl", *data, "-w", "-m", "immediate", "stop")


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[str, str]]:
    """The addresses of a server with a library of two runs, and of one that follows it."""
    with folder_of_a_server() as folder:
        try:
            machine = Machine(folder)
        except MissingExtraError:
            pytest.skip("the package of the embedded server is not installed")
        machine.run("initdb", "-D", "1", "-U", "postgres", "--auth=trust", "--no-sync")
        with machine.server(1) as primary:
            schema.migrate(primary)
            add_photos(primary)
            generate(primary, k=3)
            generate(primary, k=4, recluster=True)
            add_photos(primary, 20, prefix="new")
            copied = ("-D", "2", "-R", "-X", "stream", "-c", "fast", "--no-sync", "-d", primary)
            machine.run("pg_basebackup", *copied)
            with machine.server(2) as standby:
                yield primary, standby


@pytest.fixture
def primary(servers: tuple[str, str]) -> str:
    return servers[0]


@pytest.fixture
def standby(servers: tuple[str, str]) -> str:
    catch_up(*servers)
    return servers[1]


def catch_up(primary: str, standby: str) -> None:
    ask(primary, "SELECT pg_logical_emit_message(TRUE, 'test', 'brings all to the disk')")
    [(written,)] = ask(primary, "SELECT pg_current_wal_flush_lsn()::text")
    replayed = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
    wait_until(lambda: ask(standby, replayed, written) == [(True,)])


LOOKS = (
    ("clusters", "--json"),
    ("runs", "--json"),
    ("runs", "show", "2", "--json"),
    ("runs", "diff", "1", "2", "--json"),
)


def test_looking_works_there(primary: str, standby: str, run_cli: Run) -> None:
    for arguments in LOOKS:
        there, here = (run_cli(*arguments, "--database-url", url) for url in (standby, primary))
        assert (there.code, there.err) == (0, "")
        assert there.out == here.out
    finished = run_cli("report", "--out", "report", "--json", "--database-url", standby)
    assert json.loads(finished.out)["clusters"] == 4
    finished = run_cli(
        *("psql", "--database-url", standby, "--no-psqlrc", "-Atc"),
        "SELECT sum(photos_count) FROM cluster_overview",
    )
    assert (finished.code, finished.out) == (0, "60\n")
    for flags in ((), ("--repair",)):
        finished = run_cli("check", *flags, "--database-url", standby)
        assert (finished.code, finished.err) == (0, "")
        assert finished.out.startswith("All is well: ")


def test_a_run_at_work_on_the_primary_is_no_alarm(primary: str, standby: str) -> None:
    """Its record says running, and its lock is the primary's. The same if it was killed."""
    with at_work(primary, "generate", "--k", "2") as process:
        catch_up(primary, standby)
        running = "SELECT id FROM fluffy_sql.cluster_runs WHERE status = 'running'"
        assert len(ask(standby, running)) == 1
        for repair in (False, True):
            assert check(standby, repair=repair).findings == ()
        process.kill()
        process.wait()
    catch_up(primary, standby)
    assert check(standby).findings == ()
    assert {finding.check for finding in check(primary).findings} == {"runs", "work_tables"}
    assert check(primary, repair=True).ok


WORK = (
    ("generate", "--k", "3"),
    ("generate", "--recluster", "--dry-run"),
    ("generate", "--resume"),
    ("generate", "--explain"),
    ("assign",),
    ("assign", "--dry-run"),
    ("sweep", "--k", "2..3"),
    ("import", "rows.npy", "--paths", "rows.csv"),
    ("runs", "undo", "2"),
    ("migrate",),
    ("detach",),
    ("migrate", "--rollback", "--yes"),
)


def test_work_is_refused_there_in_one_line(standby: str, run_cli: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.ones((1, 8), np.float32))
    (tmp_path / "rows.csv").write_text("path\np1\n")
    for arguments in WORK:
        assert IS_STANDBY in is_refused(run_cli, standby, *arguments)


def test_what_is_wrong_is_found_there_and_not_repaired(
    primary: str, standby: str, run_cli: Run
) -> None:
    execute(primary, "UPDATE clusters SET photos_count = 1234 WHERE id = 1")
    catch_up(primary, standby)
    assert [finding.check for finding in check(standby).findings] == ["photos_count"]
    assert IS_STANDBY in is_refused(run_cli, standby, "check", "--repair")
    assert check(primary, repair=True).ok
    catch_up(primary, standby)
    assert check(standby).ok
