"""Brings a database to the current schema, takes it out again, and says whether it is there.

Tables are made by migrations (`migrations/`, by yoyo), views, functions and triggers by definition
(`sql/definitions/`). Each of migrate, detach and uninstall is one transaction.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from fluffy_sql.errors import BusyError, DatabaseError, SchemaError
from fluffy_sql.postgres import counter_cache, definitions, sources
from fluffy_sql.postgres.counter_cache import CounterCache
from fluffy_sql.postgres.session import DEFAULT_SCHEMA, Session
from fluffy_sql.postgres.sources import Source, Wanted
from fluffy_sql.resources import migrations_folder
from fluffy_sql.words import first_few

# l2_normalize came with pgvector 0.7.
OLDEST_PGVECTOR = (0, 7)
# SQL functions whose names are bound when they are made came with PostgreSQL 14.
OLDEST_POSTGRES = 14

# What `check` and `migrate` say of a table.
WITHOUT_IDENTITY = (
    "is in a publication and has no replica identity, so Postgres refuses to change its rows: give"
    " it a primary key, or ALTER TABLE ... REPLICA IDENTITY"
)


@dataclass(frozen=True)
class AttachResult:
    """What `attach` did.

    Attributes:
        schema: where everything of ours lies.
        source: what the library reads from now on.
        photos: how many the source shows.
        dry_run: whether it was rolled back.
    """

    schema: str
    source: Source
    photos: int
    dry_run: bool


@dataclass(frozen=True)
class MigrationResult:
    """What `migrate` did.

    Attributes:
        changed: migrations applied, in the order it happened.
        adopted: tables that were here before and were kept.
        counter_cache: how `photos_count` is kept from now on.
        schema: where everything of ours lies.
        notes: what the owner of the tables should know, a sentence for each.
        made_again: views and functions that were missing and were made.
    """

    changed: tuple[str, ...]
    adopted: tuple[str, ...]
    counter_cache: CounterCache
    schema: str
    notes: tuple[str, ...]
    made_again: tuple[str, ...]


def migrate(
    url: str,
    *,
    schema: str = DEFAULT_SCHEMA,
    keep_counts_by: str = counter_cache.AUTO,
    empty: bool = False,
) -> MigrationResult:
    """Makes missing tables, and views, functions and triggers again; all, or nothing.

    Obstacles are found before anything is changed.

    Args:
        url: address of the database, as libpq takes it.
        schema: that will hold everything of ours.
        keep_counts_by: `clustering.counter_cache`, which is put into effect.
        empty: make an empty library, although embeddings that could be attached are there.

    Raises:
        SchemaError: the server is too old or has no pgvector, a table of the application can't be
            adopted, was renamed or lost, a newer fluffy_sql was here, or triggers are refused; or
            there are embeddings, but no table photos.
        BusyError: a run is at work.
        DatabaseError: Postgres refused a statement.
    """
    with Session.open(url, schema=schema) as session:
        require_supported_server(session)
        before = _read_library(session)
        _refuse_newer(before.applied)
        _refuse_other_photos(session, before)
        _refuse_lost(session, before)
        found = [] if before.applied else session.fetch_all("schema/list_embeddings")
        if not empty:
            _refuse_embeddings(found)
        _refuse_obstacles(session, found)
        with session.transaction():
            return _migrate(session, url, before, keep_counts_by)


def attach(
    url: str,
    wanted: Wanted,
    *,
    schema: str = DEFAULT_SCHEMA,
    keep_counts_by: str = counter_cache.AUTO,
    dry_run: bool = False,
) -> AttachResult:
    """Makes a library of photos whose embeddings stay in the application's tables; all, or nothing.

    Args:
        url: address of the database, as libpq takes it.
        wanted: where the photos are.
        schema: that will hold everything of ours.
        keep_counts_by: as for `migrate`.
        dry_run: do all of it, and roll it back.

    Raises:
        SchemaError: there is a library already, or the source can't be read as one.
        BusyError: a run is at work.
        DatabaseError: Postgres refused a statement.
    """
    with Session.open(url, schema=schema) as session:
        require_supported_server(session)
        before = _read_library(session)
        _refuse_library(session, before)
        found = sources.find(session, wanted)
        session.fetch_all("attach/look_in_ours")
        _refuse_obstacles(session, [])
        with session.transaction(force_rollback=dry_run):
            _migrate(session, url, before, keep_counts_by, found)
            with sources.reading_first(found.name):
                changes = sources.sync(session)
            session.execute("attach/analyze")
            return AttachResult(schema, found, changes.added if changes else 0, dry_run)


def _migrate(
    session: Session,
    url: str,
    before: "_Library",
    keep_counts_by: str,
    source: Source | None = None,
) -> MigrationResult:
    """What `migrate` does, in a transaction of the caller; with a source, what `attach` does."""
    from fluffy_sql.postgres.migrations import apply_migrations  # noqa: PLC0415 - loads yoyo

    _keep_others_out(session)
    if source is not None or session.attached:
        session.fetch_all("attach/stay_local")
    if before.digest is not None and _known() - before.applied:
        definitions.drop(session)  # they would block changes of tables
    session.fetch_all("schema/note_objects")
    session.execute("schema/create_extension")
    session.execute("schema/create_schema")
    if source is not None:
        session.execute("attach/make_tables")
        session.fetch_all("attach/look_in_ours")
    if before.recorded:
        session.execute("schema/restore_marks")
    if not before.complete:
        session.execute("schema/forget_migrations")
    changed = apply_migrations(session, url)
    if source is not None:
        sources.keep(session, source)
    if forgotten := session.fetch_value("schema/count_lost_runs"):
        session.execute("schema/forget_lost_runs")
    session.execute("schema/record_tables")
    session.prepare(looking=False)  # the search_path that the library has from now on
    strays = session.fetch_all("triggers/list_stray")
    sources.refresh_type(session)
    definitions.create(session)
    # Triggers do nothing if something that they read is missing, and nobody counts what
    # goes with a partition.
    idle = bool(before.missing or before.changes or strays)
    kept = counter_cache.put_into_effect(session, keep_counts_by, idle=idle)
    session.execute("schema/revoke_defaults")
    session.execute("schema/restore_grants")
    session.execute("schema/remember_usable_photos")
    adopted = session.fetch_all("schema/list_adopted_tables")
    return MigrationResult(
        changed=changed,
        adopted=tuple(row["name"] for row in adopted),
        counter_cache=kept,
        schema=session.schema,
        notes=tuple(_notes(session, forgotten)),
        made_again=tuple(before.missing),
    )


def detach_source(url: str, *, schema: str = DEFAULT_SCHEMA) -> None:
    """Drops an attached library whole: the source was only read, and does not notice.

    Raises:
        SchemaError: the library is not an attached one, or that of another role.
        BusyError: a run is at work.
        DatabaseError: something of somebody else's uses something of ours; nothing was changed.
    """
    with Session.open(url, schema=schema) as session:
        library = _read_library(session)
        if not library.applied:
            raise _not_migrated(session, library)
        if not session.attached:
            raise SchemaError(
                f"the library in the schema {schema} is not attached to a source: its photos are"
                " in its own table; to remove fluffy_sql: fluffy-sql migrate --rollback --yes"
            )
    uninstall(url, schema=schema)


def detach(url: str, *, schema: str = DEFAULT_SCHEMA) -> None:
    """Removes views, functions and triggers, so that an application can change its tables.

    Tables stay, and with them labels, centroids and runs; `migrate` puts the rest back.

    Raises:
        SchemaError: the database is not migrated, or by another role.
        BusyError: a run is at work.
        DatabaseError: something of somebody else's uses one of them; nothing was changed.
    """
    with Session.open(url, schema=schema) as session:
        library = _read_library(session)
        if not library.applied:
            raise _not_migrated(session, library)
        _refuse_other_owner(session, library)
        with session.transaction():
            _keep_others_out(session)
            if not library.detached:
                definitions.drop(session)


def uninstall(url: str, *, schema: str = DEFAULT_SCHEMA) -> bool:
    """Drops our schema, and of `photos` and `clusters` what `migrate` made; all, or nothing.

    Returns:
        Whether there was anything to drop.

    Raises:
        SchemaError: the schema holds no library, or that of another role or a newer fluffy_sql.
        BusyError: a run is at work.
        DatabaseError: something of somebody else's uses something of ours; nothing was changed.
    """
    with Session.open(url, schema=schema) as session:
        library = _read_library(session)
        if not library.there:
            return False
        if not library.reachable:
            raise _not_migrated(session, library)
        if not library.recorded:
            raise SchemaError(
                f"the schema {schema} holds no library that fluffy_sql migrated: name the right one"
                " in database.schema; or, if it comes from a dump, run fluffy-sql migrate first"
            )
        _refuse_other_owner(session, library)
        _refuse_newer(library.applied)
        with session.transaction():
            _keep_others_out(session)
            session.execute("schema/restore_marks")
            session.execute("schema/drop_definitions")
            session.execute("schema/uninstall")
        return True


def require_current_schema(session: Session) -> None:
    """Makes sure the statements find the tables they were written for.

    Raises:
        SchemaError: the database was never migrated, lacks a migration, has newer ones, is
            detached, or lost or was changed in what a migration made.
    """
    library = _read_library(session)
    _refuse_newer(library.applied)
    if not library.applied:
        raise _not_migrated(session, library)
    if missing := _known() - library.applied:
        raise SchemaError(f"this database lacks {min(missing)}; run: fluffy-sql migrate")
    _refuse_other_photos(session, library)
    _refuse_lost(session, library)
    if library.made_anew:
        raise SchemaError(
            f"somebody replaced {' and '.join(library.made_anew)} since this database was migrated;"
            " run: fluffy-sql migrate"
        )
    if library.detached:
        raise SchemaError("this database was detached; put it back with: fluffy-sql migrate")
    if library.missing:
        raise SchemaError(
            f"this database lost {', '.join(library.missing)}; make it again with:"
            " fluffy-sql migrate"
        )
    if library.changes:
        raise SchemaError(
            f"{library.changes[0]} since this database was migrated; run: fluffy-sql migrate"
        )
    if library.digest != definitions.digest(distributed=session.distributed):
        raise SchemaError(
            "views and functions of this database are those of another version of fluffy_sql;"
            " run: fluffy-sql migrate"
        )


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


def _notes(session: Session, forgotten: int) -> Iterator[str]:
    """What the owner of the tables should know; `forgotten` clusters came from lost runs."""
    if forgotten:
        yield (
            f"{forgotten:,} {'cluster' if forgotten == 1 else 'clusters'} came from a run that is"
            " not on record here, maybe because a dump left it out: run_id is null now, so the"
            " metric counts as cosine"
        )
    for row in session.fetch_all("schema/list_notes"):
        yield row["note"]
    for row in session.fetch_all("check/find_without_identity"):
        yield f"{row['name']} {WITHOUT_IDENTITY}"


@dataclass(frozen=True)
class _Library:
    """What there is of a library.

    Attributes:
        there: whether its schema exists.
        reachable: whether the role may use that.
        owner: the role that it belongs to.
        owned: whether this role may do what that one may.
        others: other schemas with a library; None: none.
        recorded: whether the tables are there that say what was migrated.
        applied: migrations in force.
        digest: what definitions were made from; None: they are taken away.
        missing: tables and definitions that are gone; of definitions only if some were made.
        made_anew: tables of the application that replaced the migrated ones.
        changes: what is different from when definitions were made, such as "photos was moved
            to the schema app"; only if some were made.
        photos: its table photos, with the schema.
        other_photos: another one, that the role's own search_path finds; None: none.
    """

    there: bool
    reachable: bool
    owner: str | None
    owned: bool
    others: Sequence[str] | None
    recorded: bool
    applied: frozenset[str] = frozenset()
    digest: str | None = None
    missing: Sequence[str] = ()
    made_anew: Sequence[str] = ()
    changes: Sequence[str] = ()
    photos: str | None = None
    other_photos: str | None = None

    @property
    def detached(self) -> bool:
        return bool(self.applied) and self.digest is None

    @property
    def complete(self) -> bool:
        """Whether all that the list of migrations says is there."""
        return bool(self.applied) and not self.made_anew and not set(self.missing) & set(_tables())


def _read_library(session: Session) -> _Library:
    [library] = session.fetch_as(_Library, "schema/describe_library")
    if not (library.recorded and library.reachable):
        return library
    defined = (*definitions.NAMES, *(definitions.OF_ATTACHED if session.attached else ()))
    names = [*defined, *_tables()]
    definitions_made, applied, changes = session.fetch_each(
        ("schema/describe_definitions", {"names": names}),
        ("schema/list_applied_migrations", {}),
        ("schema/list_changes", {}),
    )
    for made in definitions_made:
        library = replace(
            library, **made, applied=frozenset(row["migration_id"] for row in applied)
        )
    still_to_come = [name for name, made_by in _tables().items() if made_by not in library.applied]
    if library.digest:
        missing = [name for name in library.missing if name not in still_to_come]
        return replace(library, missing=missing, changes=[row["change"] for row in changes])
    missing = [name for name in library.missing if name not in (*defined, *still_to_come)]
    return replace(library, missing=missing)


def _not_migrated(session: Session, library: _Library) -> SchemaError:
    if library.there and not library.reachable:
        return SchemaError(
            f"this database was migrated into the schema {session.schema}, which this role does not"
            " reach; grant it what docs/explanation/security.md says"
        )
    if library.others and session.schema not in library.others:
        return SchemaError(
            f"the schema {session.schema} has not been migrated yet; this database has a library in"
            f" {', '.join(library.others)}: name that in database.schema, or run:"
            " fluffy-sql migrate"
        )
    return SchemaError("this database has not been migrated yet; run: fluffy-sql migrate")


@cache
def _tables() -> dict[str, str]:
    """The tables that migrations make in our schema, and which migration makes each."""
    files = migrations_folder().glob("*.sql")
    made = r"^CREATE (?:UNLOGGED )?TABLE IF NOT EXISTS (\w+)"
    return {
        name: file.stem
        for file in files
        for name in re.findall(made, file.read_text(encoding="utf-8"), re.MULTILINE)
    }


def _known() -> set[str]:
    return {file.stem for file in migrations_folder().glob("*.sql")}


def _refuse_library(session: Session, library: _Library) -> None:
    """There is one library in a schema, of one source."""
    if library.applied and session.attached:
        name = session.fetch_all("attach/describe_source")[0]["name"]
        raise SchemaError(
            f"the schema {session.schema} is attached to {name} already: give it back first"
            " (fluffy-sql detach --source), or name another schema in database.schema"
        )
    if library.applied:
        raise SchemaError(
            f"the schema {session.schema} holds a library already, with photos of its own: name"
            " another schema in database.schema"
        )


def _refuse_embeddings(found: Sequence[dict[str, Any]]) -> None:
    """An empty library is not what somebody wants who has embeddings elsewhere."""
    if not found or found[0]["own"]:
        return
    shown = first_few([*dict.fromkeys(row["name"] for row in found)])
    raise SchemaError(
        f"there is no table photos with embeddings here, but there are embeddings in {shown}:"
        f" fluffy-sql attach {shlex.join(found[0]['attach'])}; or, for an empty library: fluffy-sql"
        " migrate --empty"
    )


def _refuse_other_owner(session: Session, library: _Library) -> None:
    if not library.owned:
        raise SchemaError(
            f"the schema {session.schema} belongs to the role {library.owner}, and only its owner"
            " may take away what is in it"
        )


def _refuse_newer(applied: frozenset[str]) -> None:
    if newer := applied - _known():
        raise SchemaError(
            f"this database was migrated by a newer fluffy_sql ({max(newer)}); upgrade fluffy_sql"
        )


def _refuse_other_photos(session: Session, library: _Library) -> None:
    """One library is never taken for another."""
    if library.photos and library.other_photos:
        raise SchemaError(
            f"the schema {session.schema} holds the library of {library.photos}, and this role's"
            f" search_path finds {library.other_photos}: name another schema in database.schema for"
            " that, or set search_path"
        )


def _refuse_lost(session: Session, library: _Library) -> None:
    """Distinguishes what was renamed from what is gone."""
    if not library.applied >= _known():
        return
    lost = session.fetch_all("schema/list_lost_objects")
    for row in lost:
        if row["hidden_in"]:
            raise SchemaError(
                f"{row['name']} is in the schema {row['hidden_in']}, which this role does not"
                " reach; grant it what docs/explanation/security.md says"
            )
        if row["renamed_to"]:
            wanted = row["name"].rpartition(".")[2]
            raise SchemaError(
                f"{row['name']} was renamed to {row['renamed_to']} since this database was"
                f" migrated, and fluffy_sql needs it as {wanted}: name it {wanted} again, or remove"
                " fluffy_sql with: fluffy-sql migrate --rollback --yes"
            )
    gone = [row["name"] for row in lost if not row["replaced"]]
    if gone:
        raise SchemaError(
            f"this database was migrated, but has lost {', '.join(gone)} since:"
            " somebody dropped it; restore it from a backup"
        )


def _refuse_obstacles(session: Session, embeddings: Sequence[dict[str, Any]]) -> None:
    """Refuses tables that can't be adopted, and says how embeddings can be attached instead."""
    session.execute("schema/find_other_library")
    found = session.fetch_all("schema/find_obstacles")
    obstacles = [row["obstacle"] for row in found]
    if (
        not obstacles
        and session.fetch_value("schema/must_hold_key")
        and session.fetch_value("schema/has_lost_photos")
    ):
        obstacles.append(
            "photos is partitioned, some photos are in a cluster that is not there, and before"
            " PostgreSQL 18 the foreign key of a partitioned table has to hold for all rows:"
            " set their cluster_id to null"
        )
    if obstacles:
        more = f" (and {len(obstacles) - 1} more)" if len(obstacles) > 1 else ""
        if embeddings and found and found[0]["against_adoption"]:
            attach = shlex.join(embeddings[0]["attach"])
            more += f"; or attach the embeddings as they are: fluffy-sql attach {attach}"
        raise SchemaError(obstacles[0] + more)
    if not session.distributed:
        _try_cluster(session)


def _try_cluster(session: Session) -> None:
    """Makes clusters and rolls them back, to see if an application's constraints allow them."""
    try:
        with session.transaction(force_rollback=True):
            session.execute("schema/try_cluster")
    except DatabaseError as error:
        raise SchemaError(
            f"no cluster could be made in the table clusters, which must accept rows with status 0"
            f" and no name: {error}"
        ) from error


def _keep_others_out(session: Session) -> None:
    """Keeps runs and sweeps out until the transaction ends, and waits for other migrations.

    Raises:
        BusyError: one is at work.
    """
    session.execute("schema/lock_migrations")
    if not session.fetch_value("check/try_lock_runs"):
        raise BusyError(
            f"a run is at work in the schema {session.schema}; try again when it is done"
        )
