"""A server of Citus that runs on this machine, to be killed and started again."""

import shlex
import subprocess
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil
import psycopg
import pytest

PATIENCE_SECONDS = 60
_WHERE = """
    SELECT pg_backend_pid(), current_setting('data_directory'), setting
    FROM pg_config WHERE name = 'BINDIR'
"""


@dataclass(frozen=True)
class LocalServer:
    """A server whose processes are ours to kill.

    Attributes:
        url: its address.
        postmaster: its first process, as long as nobody killed it.
        arguments: what it was started with, but for its folder.
        folder: its data.
        programs: the folder of its programs.
    """

    url: str
    postmaster: psutil.Process
    arguments: list[str]
    folder: Path
    programs: Path

    @classmethod
    def find(cls, url: str) -> Self | None:
        """The server at that address; None if it runs elsewhere, or as somebody else."""
        with closing(psycopg.connect(url)) as connection:
            [(pid, folder, programs)] = connection.execute(_WHERE).fetchall()
        try:
            postmaster = psutil.Process(pid).parent()
            # The number is that of another process here, if the server runs elsewhere.
            if postmaster is None or Path(postmaster.cwd()) != Path(folder).resolve():
                return None
            _, *arguments = postmaster.cmdline()
            if arguments[:1] == ["-D"]:
                del arguments[:2]
            return cls(url, postmaster, arguments, Path(folder), Path(programs))
        except psutil.Error:
            return None

    def kill(self) -> None:
        """SIGKILL to all its processes: no checkpoint, no goodbye."""
        self.postmaster.suspend()  # else it might start another while we list them
        processes = [self.postmaster, *self.postmaster.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for _ in range(PATIENCE_SECONDS * 20):
            if all(_is_dead(process) for process in processes):
                return
            time.sleep(0.05)
        pytest.fail("the server does not die")

    def start(self, log: Path) -> None:
        """Starts it as it was started before, unless it runs; returns when it can be used."""
        with suppress(psycopg.OperationalError):
            psycopg.connect(self.url).close()
            return
        self._remove_locks()
        owner = self.folder.stat()
        with log.open("ab") as output:
            subprocess.run(
                [
                    self.programs / "pg_ctl",
                    "start",
                    "--wait",
                    f"--timeout={PATIENCE_SECONDS}",
                    f"--pgdata={self.folder}",
                    f"--options={shlex.join(self.arguments)}",
                ],
                check=True,
                cwd=self.folder,
                user=owner.st_uid,
                group=owner.st_gid,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _remove_locks(self) -> None:
        """Else a dead process of which nobody took notice would still pass for their holder."""
        lock = self.folder / "postmaster.pid"
        if lock.exists():
            _, _, _, port, sockets, *_ = lock.read_text().splitlines()
            (Path(sockets) / f".s.PGSQL.{port}.lock").unlink(missing_ok=True)
            lock.unlink()


def _is_dead(process: psutil.Process) -> bool:
    """Whether it runs no more, even if nobody has noticed."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
