"""`migrate`: brings the database to the current schema, or uninstalls it."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from fluffy_sql.cli import options
from fluffy_sql.cli.console import print_result, printable, stderr_console
from fluffy_sql.errors import UsageError
from fluffy_sql.postgres import schema
from fluffy_sql.postgres.counter_cache import CounterCache
from fluffy_sql.postgres.schema import MigrationResult
from fluffy_sql.settings import Settings
from fluffy_sql.words import count


@click.command
@click.option("--rollback", is_flag=True, help="Uninstall: drop all that migrate made.")
@click.option("--yes", is_flag=True, help="Confirm --rollback.")
@click.option(
    "--empty", is_flag=True, help="Make an empty library, although there are embeddings elsewhere."
)
@options.with_library_and_json
def migrate(
    *, rollback: bool, yes: bool, empty: bool, library: options.Library, as_json: bool
) -> None:
    """Bring the database to the current schema; existing tables are kept.

    Example: fluffy-sql migrate --database-url postgresql://me@localhost/photos
    """
    if rollback and not yes:
        raise UsageError(
            "--rollback drops the clusters, the record of runs and, if migrate made it, the"
            " table photos with its embeddings; add --yes if you mean it"
        )
    place = library.database.schema
    _tell_what_takes_long(library.settings)
    with library.database.address() as url:
        if rollback:
            gone = schema.uninstall(url, schema=place)
            dropped = f"the schema {place}, and what migrate had added to photos and clusters"
            told = f"Dropped {dropped}." if gone else "Nothing to roll back."
            found = {"schema": place, "uninstalled": gone}
            print_result(found, told, as_json=as_json, done="the rollback was committed")
            return
        keep = library.settings.clustering.counter_cache
        result = schema.migrate(url, schema=place, keep_counts_by=keep, empty=empty)
    fields = asdict(result)
    found = {"applied": fields.pop("changed"), **fields}
    done = "the migration was committed"
    print_result(found, _describe(result), as_json=as_json, done=done)


def _tell_what_takes_long(settings: Settings) -> None:
    folder = Path(settings.database.embedded_dir)
    if settings.database.url is None and not folder.exists():
        stderr_console().print(f"Making an embedded PostgreSQL in {printable(str(folder))}")


def _describe(result: MigrationResult) -> Iterator[str]:
    """What was made, what was found, and what the owner of the tables should know."""
    kept = result.counter_cache
    for name in result.changed:
        yield f"Applied {name}"
    if result.made_again:
        yield f"Made again: {', '.join(result.made_again)}"
    if not (result.changed or result.made_again or kept.changed or kept.repaired):
        yield "The database is up to date."
    for table in result.adopted:
        yield f"The table {table} was here before; its rows and columns are kept."
    if counting := describe_counter_cache(kept):
        yield counting
    for note in result.notes:
        yield f"Note: {note}."


def describe_counter_cache(kept: CounterCache) -> str:
    """How photos_count is kept, if that is new or not what one would expect."""
    if kept.found_here:
        return (
            "clusters.photos_count was here before, so counting is left to your application;"
            " runs count the clusters they make (see clustering.counter_cache)."
        )
    if kept.distributed:
        return "photos is distributed, and Citus runs no triggers there: runs keep photos_count."
    repaired = f"{count(kept.repaired, 'count')} corrected." if kept.repaired else ""
    if not kept.changed:
        return repaired
    if kept.kept_by == "service":
        return "Triggers no longer keep photos_count; runs count the clusters they make."
    return f"Triggers keep photos_count from now on. {repaired}".rstrip()
