"""`distribute`: distributes the tables over the servers of Citus."""

from collections.abc import Iterator

import click

from fluffy_sql.cli import options
from fluffy_sql.cli.console import print_result
from fluffy_sql.operations.distribute import DistributeResult
from fluffy_sql.operations.distribute import distribute as distribute_tables
from fluffy_sql.words import count


@click.command
@click.option(
    "--shards",
    type=click.IntRange(1, 10_000),
    help="How many shards to split photos into; default: citus.shard_count.",
)
@options.with_library_and_json
def distribute(*, shards: int | None, library: options.Library, as_json: bool) -> None:
    """Distribute the tables of a database with the extension citus over its servers.

    photos is split into shards by id; clusters and the tables of runs are copied to every server.
    Rows and keys stay; all other commands work as before. Run it on the coordinator, after migrate.

    Example: fluffy-sql distribute --shards 32
    """
    with library.database.session() as session:
        result = distribute_tables(session, shards=shards)
    print_result(result, _describe(result), as_json=as_json, done="the tables are distributed")


def _describe(result: DistributeResult) -> Iterator[str]:
    """Which tables lie where, and what that changes."""
    if not result.changed:
        yield "All tables are distributed already; nothing was changed."
        return
    for table in result.tables:
        if table.distributed_by is not None:
            yield f"{table.name}: {count(table.shards, 'shard')}, by {table.distributed_by}"
    whole = [table.name for table in result.tables if table.distributed_by is None]
    yield f"On every server, whole: {', '.join(whole)}"
    yield "Runs keep photos_count from now on, since Citus runs no triggers on these tables."
