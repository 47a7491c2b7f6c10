"""Brings a database to the current schema with yoyo, and says whether it is there."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI

from fluffy_sql.database import counter_cache
from fluffy_sql.database.session import Session, our_errors
from fluffy_sql.errors import SchemaError
from fluffy_sql.resources import migrations_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from fluffy_sql.database.counter_cache import CounterCache

# l2_normalize came with pgvector 0.7.
OLDEST_PGVECTOR = (0, 7)
OLDEST_POSTGRES = 15

_MIGRATIONS_TABLE = "fluffy_sql_migrations"


@dataclass(frozen=True)
class MigrationResult:
    """What `migrate` or `roll_back` did.

    Attributes:
        changed: migrations applied, or rolled back, in the order it happened.
        adopted: tables that were here before and were kept.
        counter_cache: how `photos_count` is kept from now on; None after `roll_back`.
    """

    changed: tuple[str, ...]
    adopted: tuple[str, ...]
    counter_cache: CounterCache | None


def migrate(url: str, *, keep_counts_by: str = counter_cache.AUTO) -> MigrationResult:
    """Applies every migration that is not in force yet, each whole or not at all.

    Args:
        url: address of the database, as libpq takes it.
        keep_counts_by: `clustering.counter_cache`, which is put into effect.

    Raises:
        SchemaError: the server is too old or has no pgvector, a table of ours can't be adopted, a
            newer fluffy_sql was here, or triggers are refused.
        DatabaseError: Postgres refused a statement.
    """
    with Session.open(url) as session:
        require_supported_server(session)
        _refuse_what_migrating_can_not_mend(session)
        with _backend(url, session) as backend:
            migrations = backend.to_apply(read_migrations(str(migrations_folder())))
            backend.apply_migrations(migrations)
            kept = counter_cache.put_into_effect(session, keep_counts_by)
        return MigrationResult(tuple(m.id for m in migrations), adopted_tables(session), kept)


def roll_back(url: str) -> MigrationResult:
    """Takes every migration back. What the migrations did not make stays.

    Raises:
        SchemaError: a newer fluffy_sql was here.
        DatabaseError: Postgres refused a statement, say since a view of yours needs our tables.
    """
    with Session.open(url) as session:
        _refuse_newer(_applied(session))
        adopted = adopted_tables(session) if _applied(session) else ()
        with _backend(url, session) as backend:
            migrations = backend.to_rollback(read_migrations(str(migrations_folder())))
            backend.rollback_migrations(migrations)
        return MigrationResult(tuple(m.id for m in migrations), adopted, None)


def require_current_schema(session: Session) -> None:
    """Makes sure the statements find the tables they were written for.

    Raises:
        SchemaError: the database was never migrated, lacks a migration, has newer ones, or lost
            what a migration made.
    """
    applied = _refuse_what_migrating_can_not_mend(session)
    if not applied and (hidden := session.fetch_all("schema/find_hidden_migrations")):
        raise SchemaError(
            f"this database was migrated in the schema {hidden[0]['schema']}, which this role does"
            " not reach; grant it what docs/security.md says, or name the schema in search_path"
        )
    if missing := _known() - applied:
        what = f"lacks {min(missing)}" if applied else "has not been migrated yet"
        raise SchemaError(f"this database {what}; run: fluffy-sql migrate")


def require_supported_server(session: Session) -> None:
    """Says in one line what a server lacks.

    Raises:
        SchemaError: Postgres or pgvector is too old, or pgvector is not there.
    """
    server = session.fetch_all("schema/describe_server")[0]
    if server["server_version_num"] < OLDEST_POSTGRES * 10_000:
        raise SchemaError(
            f"this is PostgreSQL {server['postgres_version']};"
            f" fluffy_sql needs {OLDEST_POSTGRES} or later"
        )
    pgvector = server["pgvector_version"] or server["pgvector_available"]
    if pgvector is None:
        raise SchemaError(
            "this server does not have the extension pgvector; install it there"
            " (https://github.com/pgvector/pgvector#installation)"
        )
    if tuple(int(part) for part in re.findall(r"\d+", pgvector)[:2]) < OLDEST_PGVECTOR:
        raise SchemaError(
            f"pgvector is {pgvector} here; fluffy_sql needs 0.7 or later:"
            " install it on the server, then ALTER EXTENSION vector UPDATE"
        )


def adopted_tables(session: Session) -> tuple[str, ...]:
    """Tables that another application made and the migrations kept."""
    made = {
        row["name"]
        for row in session.fetch_all("schema/list_created_objects")
        if row["kind"] == "table"
    }
    return tuple(table for table in ("photos", "clusters") if table not in made)


def _known() -> set[str]:
    return {migration.id for migration in read_migrations(str(migrations_folder()))}


def _applied(session: Session) -> set[str]:
    if not session.fetch_value("schema/has_migrations_table"):
        return set()
    return {row["migration_id"] for row in session.fetch_all("schema/list_applied_migrations")}


def _refuse_newer(applied: set[str]) -> None:
    if newer := applied - _known():
        raise SchemaError(
            f"this database was migrated by a newer fluffy_sql ({max(newer)}); upgrade fluffy_sql"
        )


def _refuse_what_migrating_can_not_mend(session: Session) -> set[str]:
    """Returns the migrations in force, where none is newer than us and nothing is lost."""
    applied = _applied(session)
    _refuse_newer(applied)
    if applied and (lost := session.fetch_all("schema/list_lost_objects")):
        raise SchemaError(
            f"this database was migrated, but lost {', '.join(row['name'] for row in lost)} since:"
            " somebody dropped that, and it has to come from a backup"
        )
    return applied


@contextmanager
def _backend(url: str, session: Session) -> Iterator[Any]:
    """Lends out yoyo on our own connection, one migration at a time in a database."""
    session.execute("schema/lock_migrations")
    try:
        with our_errors(session.connection), _Backend(_address(url), _MIGRATIONS_TABLE) as backend:
            yield backend
    finally:
        session.execute("schema/unlock_migrations")


def _address(url: str) -> DatabaseURI:
    """Carries any address libpq understands, password and all, past yoyo's own parser."""
    return DatabaseURI("postgresql+psycopg", None, None, None, None, None, {"conninfo": url})


class _Backend(PostgresqlPsycopgBackend):  # type: ignore[misc] # yoyo has no types
    """yoyo's backend, with tables of our own so that an application's use of yoyo is not disturbed.

    yoyo's lock is a row that a killed process leaves behind; `_backend` holds an advisory lock.
    """

    log_table = "fluffy_sql_migrations_log"
    version_table = "fluffy_sql_migrations_version"

    def connect(self, dburi: DatabaseURI) -> psycopg.Connection[Any]:
        return Session.open(dburi.args["conninfo"]).connection

    @contextmanager
    def lock(self, timeout: float = 10) -> Iterator[None]:  # noqa: ARG002 - yoyo's signature
        yield
