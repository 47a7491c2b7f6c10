"""A server that stops as by a power cut, and one whose disk is full."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.faults.faults import FULL, STOPPED, Fault
from tests.faults.own_server import OwnServer
from tests.faults.program import Generating
from tests.faults.proxy import Proxy
from tests.faults.state import examine, state
from tests.faults.stopping import stopped
from tests.faults.table import Table

SPACE_MEGABYTES = 24
DONE = "COMMIT done"


@pytest.mark.parametrize("fault", [f for f in STOPPED if f.moment != DONE], ids=str)
def test_stopped_immediately(fault: Fault, own_server: OwnServer, fault_table: Table) -> None:
    with own_server.befallen() as url:
        before = state(url)
        run = Generating(url)
        with stopped(url, fault.command, fault.moment, run.start) as waiting:
            own_server.stop_immediately()
            waiting.go_on()
            run.finish()
        assert str(run.error).isprintable()
        own_server.start_again()
        fault_table.add(fault, examine(before, url))


def test_stopped_immediately_after_a_commit(own_server: OwnServer, fault_table: Table) -> None:
    """The program does nothing more on that server that might bring its commit to the disk."""
    [fault] = [fault for fault in STOPPED if fault.moment == DONE]
    with own_server.befallen() as url, Proxy.before(url) as proxy:
        before = state(url)
        run = Generating(proxy.url)
        with stopped(url, fault.command, "COMMIT", run.start) as waiting:
            proxy.cuts_at_commit = True
            proxy.take_no_more()
            waiting.go_on()
            run.finish()
        own_server.stop_immediately()
        own_server.start_again()
        fault_table.add(fault, examine(before, url))


@pytest.mark.parametrize("fault", FULL, ids=str)
def test_file_system_full(
    fault: Fault, own_server: OwnServer, small_space: Path, fault_table: Table
) -> None:
    with own_server.befallen("small") as url:
        before = state(url)
        run = Generating(url)
        ballast = small_space / "ballast"
        with stopped(url, fault.command, fault.moment, run.start, as_it_begins=True) as waiting:
            _fill(ballast)
            waiting.go_on()
            run.finish()
        ballast.unlink()
        assert "No space left on device" in str(run.error)
        assert str(run.error).endswith("; the server's disk is full: make room and run again")
        assert state(url).work_tables == []
        fault_table.add(fault, examine(before, url))


def _fill(file: Path) -> None:
    """Takes all the room there is."""
    with suppress(OSError), file.open("wb", buffering=0) as ballast:
        while ballast.write(bytes(4096)):
            pass


@pytest.fixture(scope="session")
def small_space(own_server: OwnServer) -> Iterator[Path]:
    """A small file system with the tablespace `small`; only a user who may mount can make one."""
    folder = own_server.folder / "small"
    folder.mkdir()
    with _mounted(folder):
        space = folder / "tablespace"
        space.mkdir(mode=0o700)
        shutil.chown(space, own_server.user)
        with psycopg.connect(own_server.url, autocommit=True) as admin:
            admin.execute(
                sql.SQL("CREATE TABLESPACE small LOCATION {}").format(sql.Literal(str(space)))
            )
        yield folder
        with psycopg.connect(own_server.url, autocommit=True) as admin:
            admin.execute("DROP TABLESPACE small")


@contextmanager
def _mounted(folder: Path) -> Iterator[None]:
    options = ["-t", "tmpfs", "-o", f"size={SPACE_MEGABYTES}m", "none", str(folder)]
    if subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        pytest.skip("a small file system can't be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)
