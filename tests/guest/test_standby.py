"""A standby of the application's server: looking works there, and nothing is taken for wrong."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fluffy_sql.database import schema
from fluffy_sql.database.programs import find_account, find_programs, we_are_root
from tests.guest.helpers import add_photos, ask, at_work, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.guest.helpers import Run

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


@pytest.fixture
def primary_and_standby() -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory(prefix="fluffy_", ignore_cleanup_errors=True) as folder:
        machine = Machine(Path(folder))
        machine.run("initdb", "-D", "1", "-U", "postgres", "--auth=trust", "--no-sync")
        with machine.server(1) as primary:
            schema.migrate(primary)
            add_photos(primary)
            copied = ("-D", "2", "-R", "-X", "stream", "-c", "fast", "-d", primary)
            machine.run("pg_basebackup", *copied)
            with machine.server(2) as standby:
                yield primary, standby


def test_looking_works_and_nothing_is_taken_for_wrong(
    primary_and_standby: tuple[str, str], run_cli: Run
) -> None:
    primary, standby = primary_and_standby
    assert run_cli("generate", "--k", "3", "--database-url", primary).code == 0
    [(end,)] = ask(primary, "SELECT pg_current_wal_lsn()::text")
    wait_until(lambda: ask(standby, "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", end)[0][0])

    for command in (["clusters"], ["runs"], ["runs", "show", "1"], ["runs", "diff", "1", "1"]):
        looked = run_cli(*command, "--database-url", standby)
        assert looked.code == 0, looked.err
    assert run_cli("report", "--out", "page", "--database-url", standby).code == 0
    assert run_cli("psql", "-c", "TABLE cluster_overview", "--database-url", standby).code == 0

    with at_work(primary, "generate", "--recluster", "--k", "4"):
        running = "SELECT FROM fluffy_sql.cluster_runs WHERE status = 'running'"
        wait_until(lambda: ask(standby, running))
        checked = run_cli("check", "--database-url", standby)
        assert (checked.code, checked.err) == (0, "")
        assert checked.out.startswith("All is well: ")

    for command in (["generate"], ["assign"], ["sweep"], ["migrate"], ["detach"]):
        refused = run_cli(*command, "--database-url", standby)
        assert refused.code == 1
        assert "is a standby, which follows another server: name its primary" in refused.err
