"""Turns the tables of a database with Citus into distributed ones; nothing is lost on the way."""

from dataclasses import dataclass

from fluffy_sql.errors import SchemaError
from fluffy_sql.postgres import counter_cache, definitions
from fluffy_sql.postgres.schema import require_current_schema
from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.lock import only_run


@dataclass(frozen=True)
class DistributedTable:
    """A table as Citus has it.

    Attributes:
        name: the table.
        distributed_by: the column that says on which shard a row lies; None: every server has a
            whole copy.
        shards: how many; 1 for a table that every server has.
    """

    name: str
    distributed_by: str | None
    shards: int


@dataclass(frozen=True)
class DistributeResult:
    """What `distribute` made of a database, with the names `distribute --json` uses.

    Attributes:
        tables: ours, as they are now.
        changed: names of those that were not so before.
    """

    tables: tuple[DistributedTable, ...]
    changed: tuple[str, ...]


def distribute(session: Session, *, shards: int | None = None) -> DistributeResult:
    """Distributes photos by id, and copies the small tables to every server; all, or nothing.

    A second time it distributes what a later migration added, if anything.

    Args:
        session: opened to work on the coordinator, outside of any transaction.
        shards: into how many shards to cut photos; None: `citus.shard_count`. If they are
            distributed already, they keep theirs.

    Raises:
        SchemaError: there is no Citus, the database is not migrated, or something of an
            application's stands in the way.
        BusyError: a run is at work in this database.
        DatabaseError: Postgres or Citus refused a statement.
    """
    if not session.fetch_value("distribute/has_citus"):
        raise SchemaError(
            "this database does not have the extension citus, so it stays on one server;"
            " create it on all servers (CREATE EXTENSION citus) to distribute it"
        )
    require_current_schema(session)
    if session.attached:
        raise SchemaError("an attached library can not be distributed: its photos are its source's")
    if obstacles := session.fetch_all("distribute/find_obstacles"):
        raise SchemaError(
            f"photos can't be distributed: {'; '.join(row['obstacle'] for row in obstacles)};"
            " change that and run again"
        )
    with only_run(session):
        before = session.fetch_all("distribute/list_tables")
        with session.transaction():
            if shards is not None:
                session.execute("distribute/set_shards", shards=shards)
            if not session.distributed:
                counter_cache.leave_to_others(session)
            session.execute("distribute/unbind_functions")
            session.execute("distribute/distribute_tables")
            session.execute("schema/record_tables")
            session.prepare(looking=False)  # from now on statements have their other form
            definitions.create(session)
        session.execute("distribute/drop_local_copy")
    tables = session.fetch_as(DistributedTable, "distribute/list_tables")
    known = {row["name"] for row in before if row["shards"]}
    return DistributeResult(
        tables=tuple(tables),
        changed=tuple(table.name for table in tables if table.name not in known),
    )
