"""PgBouncer in front of a test's server."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from fluffy_sql.postgres.programs import find_account, we_are_root
from tests.guest.helpers import PATIENCE_SECONDS, wait_until


def find_pgbouncer() -> str | None:
    """Debian has it where only root looks."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


@contextmanager
def pgbouncer(url: str, mode: str, *, pool_size: int = 2, **settings: Any) -> Iterator[str]:
    """A pooler on this machine, in front of the server of `url`; the address of that through it."""
    behind: dict[str, Any] = dict(conninfo_to_dict(url))
    user, database = behind.get("user", "postgres"), behind.get("dbname", "postgres")
    place = {key: behind[key] for key in ("host", "port") if key in behind}
    # The embedded server's socket is its user's alone, who can't get there by its path.
    folder_of_socket = Path("/")
    if str(place.get("host", "")).startswith("/"):
        folder_of_socket, place["host"] = Path(place["host"]), "/proc/self/cwd"
    program = find_pgbouncer()
    assert program is not None
    with tempfile.TemporaryDirectory(prefix="fluffy_", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), _free_port()
        folder.chmod(0o755)
        (folder / "users.txt").write_text(f'"{user}" "{behind.get("password", "")}"\n')
        lines = {
            "listen_addr": "127.0.0.1",
            "listen_port": port,
            "unix_socket_dir": "",
            "auth_type": "trust",
            "auth_file": folder / "users.txt",
            "pool_mode": mode,
            "default_pool_size": pool_size,
            **settings,
        }
        (folder / "pgbouncer.ini").write_text(
            "[databases]\n* = "
            + " ".join(f"{key}={value}" for key, value in place.items())
            + "\n[pgbouncer]\n"
            + "".join(f"{key} = {value}\n" for key, value in lines.items())
        )
        process = subprocess.Popen(
            [program, "-q", str(folder / "pgbouncer.ini")],
            cwd=folder_of_socket,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **_as_somebody(),
        )
        pooled = make_conninfo(host="127.0.0.1", port=port, user=user, dbname=database)
        try:
            wait_until(lambda: _lets_in(pooled, process))
            yield pooled
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def _as_somebody() -> dict[str, Any]:
    """It refuses to run as root."""
    if not we_are_root():
        return {}
    account = find_account()
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _lets_in(url: str, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None
    try:
        psycopg.connect(url, autocommit=True).close()
    except psycopg.OperationalError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
