"""The embedded server: PostgreSQL 18 with pgvector in a wheel, for when no database is named.

Its data stays in the folder that is configured, and no mode of a folder above is changed. For root
it runs as a system user, which may be unable to reach that folder: the server starts with its data
as its working directory and knows it by no other name. So neither the length of the path nor a
character in it matters to PostgreSQL, whose programs use shells.
"""

import os
import re
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

from psycopg.pq import PGconn, Ping

from fluffy_sql.errors import DatabaseError, SettingsError
from fluffy_sql.postgres.programs import find_account, find_programs, we_are_root

if TYPE_CHECKING:
    from pwd import struct_passwd  # Windows has none

# The server's name for the folder that it works in. On Linux it leads there without entering the
# folders above. Elsewhere the server asks for the path, and root's must be open to all.
_HERE = "/proc/self/cwd" if Path("/proc/self/cwd").exists() else "."
_SOCKET = ".s.PGSQL.5432"
# The path of a socket has 107 bytes at most, and on macOS 103.
_LONGEST_SOCKET = 103
# Half a million photos of 1,024 dimensions lie in 2 GB. What is not in shared buffers is read by a
# system call a page: drawing 16,000 of 100,000 photos took 2.2 s with 128 MB, 0.4 s with this.
_MOST_SHARED_BUFFERS = 2 * 2**30
# Placing photos rewrites a row for each; PostgreSQL's 1 GB may force a checkpoint in the middle.
# Nobody replicates from this server, so bulk loads need not be logged twice.
# All who can reach the socket are let in.
_SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "port": "5432",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
# After a crash it first repeats what is in its log.
_SECONDS_TO_START = 600


@dataclass(frozen=True)
class EmbeddedServer:
    """An embedded server.

    Attributes:
        url: address of its database, over a Unix socket; it listens on no network address.
        data: the folder of its data.
        account: the user of this machine that it runs as.
        programs: the folder of PostgreSQL's programs.
    """

    url: str
    data: Path
    account: "struct_passwd"
    programs: Path

    def start(self) -> None:
        """Starts it, and makes its data first if there is none."""
        if not self.data.exists():
            self._make_data()
        _require_owner(self.data, self.account)
        for name in ("postmaster.pid", f"{_SOCKET}.lock"):
            _forget_reused_id(self.data / name)
        options = " ".join(f"-c {key}='{value}'" for key, value in _settings().items())
        waiting = ("-w", "-t", str(_SECONDS_TO_START))
        self._run("pg_ctl", "-D", _HERE, "-l", "log", "-o", options, *waiting, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stops it if it runs; connections to it are lost."""
        # A pid file alone is not enough: the process that it names may be another server now.
        if self.answers():
            self._run("pg_ctl", "-D", _HERE, "-w", "-m", mode, "stop")

    def answers(self) -> bool:
        """Whether it runs; waits for one that is starting or stopping."""
        while (answer := PGconn.ping(self.url.encode())) == Ping.REJECT:
            time.sleep(0.02)
        return answer == Ping.OK

    def _make_data(self) -> None:
        new = self.data.with_name("data.new")
        if new.exists():  # a program was killed while it made it
            shutil.rmtree(new)
        new.mkdir(mode=0o700)
        if we_are_root():
            os.chown(new, self.account.pw_uid, self.account.pw_gid)
        made = ("-U", "postgres", "--auth=trust", "--encoding=utf8", "--no-instructions")
        self._run("initdb", "-D", _HERE, *made, folder=new)
        new.rename(self.data)

    def _run(self, program: str, *arguments: str, folder: Path | None = None) -> None:
        other_user: dict[str, Any] = {}
        if we_are_root():
            ids = {"user": self.account.pw_uid, "group": self.account.pw_gid}
            other_user = {**ids, "extra_groups": []}
        subprocess.run(  # noqa: S603
            [self.programs / program, *arguments],
            cwd=folder or self.data,
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            **other_user,
        )


@contextmanager
def embedded_server(folder: Path) -> Iterator[EmbeddedServer]:
    """Starts the server whose data is in `folder`, and makes it first if it is missing.

    It stops when the last program that uses it ends. A program that is killed leaves it running;
    the next one finds it, and stops it.

    Raises:
        MissingExtraError: the package that carries the server is not installed.
        SettingsError: the folder is not ours alone.
        DatabaseError: the server does not start.
    """
    folder = folder.resolve()
    with ExitStack() as at_the_end:
        with _failures_in_one_line(folder):
            _claim(folder)
            server = at_the_end.enter_context(_described(folder / "data"))
            # The system unlocks what a program locked that is killed.
            users = at_the_end.enter_context(_opened(folder / "users.lock"))
            at_the_end.callback(_leave, server, users)
            with _turn(folder):
                _lock(users, shared=True)
                if not server.answers():
                    server.start()
        yield server


@contextmanager
def _failures_in_one_line(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, subprocess.SubprocessError) as error:
        reason = " ".join(str(getattr(error, "stderr", None) or error).split())
        log = folder / "data" / "log"
        told = f"; its log is {log}" if os.access(log, os.R_OK) else ""
        raise DatabaseError(
            f"the embedded server in {folder} does not start: {reason}{told}"
        ) from error


@contextmanager
def _described(data: Path) -> Iterator[EmbeddedServer]:
    """The server whose data is in a folder, whether it runs or not."""
    account = find_account()
    programs = find_programs()
    with _reachable(data) as host:
        # We don't talk to others that put a socket in its place.
        peer = f"requirepeer={quote(account.pw_name, safe='')}"
        # Named, so that PGPORT and PGHOSTADDR don't count.
        url = f"postgresql://postgres@/postgres?host={host}&port=5432&hostaddr=&{peer}"
        yield EmbeddedServer(url, data, account, programs)


# Its folder


def _claim(folder: Path) -> None:
    """Makes the folder; refuses one in which another user could put something in our way."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    there = folder.lstat()
    if there.st_uid != os.geteuid():
        _refuse(folder, f"it belongs to {_name(there.st_uid)}, not to {_name(os.geteuid())}")
    if there.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        _refuse(folder, "other users may write there (chmod go-w takes that away)")
    if (folder / "PG_VERSION").exists():
        _refuse(folder, "it is the data folder of a server itself")


def _require_owner(data: Path, account: "struct_passwd") -> None:
    """Data that was copied, or comes from another machine, may belong to somebody else."""
    if (owner := data.lstat().st_uid) != account.pw_uid:
        name = account.pw_name
        reason = f"{data.name!r} in it belongs to {_name(owner)}, and the server runs as {name}"
        _refuse(data.parent, f"{reason} (chown -R {name} changes that)")


def _refuse(folder: Path, reason: str) -> NoReturn:
    raise SettingsError(
        f"the embedded server can't be in {str(folder)!r}: {reason};"
        " name another folder in database.embedded_dir"
    )


def _name(user: int) -> str:
    from pwd import getpwuid  # noqa: PLC0415 - Windows has none

    try:
        return getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def _forget_reused_id(lock: Path) -> None:
    """Removes a lock file of a server that was killed if something else has its process id.

    Another program has it in a container that started again, or the server's remains have it if
    nobody takes these away. PostgreSQL would take either for a running server.
    """
    psutil = import_module("psutil")
    with suppress(FileNotFoundError, IndexError, ValueError, psutil.Error):
        process = psutil.Process(int(lock.read_text(encoding="utf-8").split()[0]))
        if process.name() != "postgres" or process.status() == psutil.STATUS_ZOMBIE:
            lock.unlink()


@contextmanager
def _reachable(data: Path) -> Iterator[Path]:
    """A path of the folder that a client can reach the socket in it by: short, without a blank."""
    if _fits(data):
        yield data
        return
    # TMPDIR may be such a folder, too.
    places = [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108 - in it is a folder of ours
    place = next(place for place in places if _fits(place / "fluffy_12345678" / "data"))
    with tempfile.TemporaryDirectory(prefix="fluffy_", dir=place) as private:
        link = Path(private, "data")
        link.symlink_to(data)
        yield link


def _fits(folder: Path) -> bool:
    path = str(folder / _SOCKET)
    return bool(re.fullmatch(r"[\w./-]+", path, re.ASCII)) and len(path) <= _LONGEST_SOCKET


# Who uses it


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """One program at a time starts or stops the server."""
    with _opened(folder / "turn.lock") as turn:
        _lock(turn)
        yield


def _leave(server: EmbeddedServer, users: IO[str]) -> None:
    # Others use it, its folder is gone, or it is still stopping.
    with suppress(OSError, subprocess.SubprocessError), _turn(server.data.parent):
        _lock(users, wait=False)
        server.stop()


def _opened(lock: Path) -> IO[str]:
    def private(path: str, flags: int) -> int:
        return os.open(path, flags, 0o600)  # whoever may read a file may lock it

    return open(lock, "a", encoding="utf-8", opener=private)


def _lock(file: IO[str], *, shared: bool = False, wait: bool = True) -> None:
    import fcntl  # noqa: PLC0415 - Windows has none

    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)


# What it starts with


def _settings() -> dict[str, str]:
    """PostgreSQL's own settings are for a far smaller machine.

    Given at each start, so that a folder can move to another machine.
    """
    memory = import_module("psutil").virtual_memory().total
    shared_buffers = min(memory // 4, _MOST_SHARED_BUFFERS)
    return {"shared_buffers": f"{shared_buffers // 2**20}MB", **_SERVER_SETTINGS}
