"""An embedded server of these tests' own, which asks one of its roles for a password."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from fluffy_sql.postgres.embedded import embedded_server
from tests.conftest import folder_of_a_server


@dataclass(frozen=True)
class Guarded:
    """A server of its own.

    Attributes:
        folder: where its data is.
        admin_url: an address that needs no password.
        socket: its only way in.
        password: what the role `guarded` is asked for; nothing else in the world contains it.
    """

    folder: Path
    admin_url: str
    socket: Path
    password: str

    def url(self, password: str, **others: str) -> str:
        """The address of the role that needs a password."""
        return make_conninfo(
            self.admin_url, user="guarded", password=password, dbname="guarded", **others
        )


@pytest.fixture(scope="package")
def guarded() -> Iterator[Guarded]:
    # A path too long for a socket, which is reached another way then.
    with folder_of_a_server() as folder, embedded_server(folder / ("long" * 30)) as server:
        password = uuid.uuid4().hex
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute(f"CREATE ROLE guarded LOGIN PASSWORD '{password}'".encode())
            admin.execute("CREATE DATABASE guarded OWNER guarded")
            admin.execute("ALTER SYSTEM SET log_statement = 'all'")
            admin.execute("ALTER SYSTEM SET log_connections = on")
            rules = server.data / "pg_hba.conf"
            rules.write_text(
                "local all guarded scram-sha-256\n" + rules.read_text(encoding="utf-8"),
                encoding="utf-8",
            )
            admin.execute("SELECT pg_reload_conf()")
        with psycopg.connect(make_conninfo(server.url, dbname="guarded")) as admin:
            admin.execute("CREATE EXTENSION vector")
        socket = Path(str(conninfo_to_dict(server.url)["host"])) / ".s.PGSQL.5432"
        yield Guarded(server.data, server.url, socket, password)
