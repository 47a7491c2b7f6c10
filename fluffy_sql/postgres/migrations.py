"""Applies migrations by yoyo, which is slow to load: of all commands, only `migrate` needs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any, Self

import psycopg
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI

from fluffy_sql.postgres.session import Session, translate_errors
from fluffy_sql.resources import migrations_folder

_MIGRATIONS_TABLE = "migrations"


def apply_migrations(session: Session, url: str) -> tuple[str, ...]:
    """Applies what the database lacks, in the transaction of the session; returns their names."""
    with translate_errors(session):
        # Carries any address libpq understands, password and all, past yoyo's own parser.
        address = DatabaseURI("postgresql+psycopg", None, None, None, None, None, {"conninfo": url})
        backend = _Backend(address, _MIGRATIONS_TABLE, session.connection)
        migrations = backend.to_apply(_migrations())
        backend.apply_migrations(migrations)
        return tuple(migration.id for migration in migrations)


@cache
def _migrations() -> Any:
    """All of them; read once, since splitting them into statements takes 50 ms."""
    return read_migrations(str(migrations_folder()))


class _Backend(PostgresqlPsycopgBackend):  # type: ignore[misc] # yoyo has no types
    """yoyo's backend, in a transaction of the caller and with tables of our own.

    yoyo opens a connection for each migration and commits it; here all its transactions
    are part of ours. Its lock is a row that a killed process leaves behind; ours is an advisory
    lock.
    """

    log_table = "migrations_log"
    version_table = "migrations_version"

    def __init__(
        self, uri: DatabaseURI, migration_table: str, connection: psycopg.Connection[Any]
    ) -> None:
        self._ours = connection
        super().__init__(uri, migration_table)

    def connect(self, dburi: DatabaseURI) -> Any:  # noqa: ARG002 - yoyo's signature
        # The caller that began the transaction commits it.
        return SimpleNamespace(cursor=self._ours.cursor, info=self._ours.info, commit=lambda: None)

    @contextmanager
    def copy(self) -> Iterator[Self]:
        yield self

    @contextmanager
    def transaction(self, rollback_on_exit: bool = False) -> Iterator[None]:
        with self._ours.transaction(force_rollback=rollback_on_exit):
            yield

    @contextmanager
    def lock(self, timeout: float = 10) -> Iterator[None]:  # noqa: ARG002 - yoyo's signature
        yield
