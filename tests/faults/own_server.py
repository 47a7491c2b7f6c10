"""A server of a test's own, to be stopped as by a power cut and to run out of disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from fluffy_sql.postgres import schema
from fluffy_sql.postgres.embedded import EmbeddedServer, embedded_server
from tests.conftest import folder_of_a_server
from tests.faults.library import make_library


@dataclass(frozen=True)
class OwnServer:
    """An embedded server.

    Attributes:
        server: what may be stopped and started.
        folder: where all it has is.
    """

    server: EmbeddedServer
    folder: Path

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Self]:
        with folder_of_a_server() as folder:
            folder.chmod(0o711)  # a tablespace is found by its path
            with embedded_server(folder / "data") as server:
                yield cls(server, folder)

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def user(self) -> str:
        """The user it runs as."""
        return self.server.account.pw_name

    def make_library(self) -> None:
        """Makes the database `library`, from which `befallen` is copied."""
        # What a commit does not bring to the disk by itself, nobody else should for it.
        self._execute(sql.SQL("ALTER SYSTEM SET wal_writer_delay = '10s'"))
        self._execute(sql.SQL("SELECT pg_reload_conf()"))
        schema.migrate(self._copy("library", "template0"))
        make_library(make_conninfo(self.url, dbname="library"))

    @contextmanager
    def befallen(self, space: str = "pg_default") -> Iterator[str]:
        """A database with the library, in a tablespace."""
        url = self._copy("befallen", "library", space)
        try:
            yield url
        finally:
            self.start_again()
            self._execute(sql.SQL("DROP DATABASE befallen WITH (FORCE)"))

    def stop_immediately(self) -> None:
        """No checkpoint, no goodbye: what is not in the log is lost, as in a power cut."""
        self.server.stop("immediate")

    def start_again(self) -> None:
        if not self.server.answers():
            self.server.start()

    def _copy(self, name: str, template: str, space: str = "pg_default") -> str:
        # By the other strategy, copies of unlogged tables do not survive a crash before the next
        # checkpoint: PostgreSQL 18.4 finds a zero page in their indexes.
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {} TABLESPACE {} STRATEGY file_copy")
        self._execute(
            made.format(sql.Identifier(name), sql.Identifier(template), sql.Identifier(space))
        )
        return make_conninfo(self.url, dbname=name)

    def _execute(self, statement: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as admin:
            admin.execute(statement)
