"""`attach`: makes a library of embeddings that stay in the application's own table."""

from collections.abc import Iterator
from pathlib import Path

import click
from rich.text import Text

from fluffy_sql.cli import options
from fluffy_sql.cli.console import print_result, stderr_console
from fluffy_sql.errors import UsageError
from fluffy_sql.postgres import schema, sources
from fluffy_sql.postgres.schema import AttachResult
from fluffy_sql.postgres.sources import PRESETS
from fluffy_sql.words import count


@click.command
@click.option("--table", help="The table or view that holds the embeddings.")
@click.option("--key", "keys", multiple=True, help="Its key; again for each further column.")
@click.option("--embedding", help="Its column of embeddings.")
@click.option("--path", help="Its column that says where a photo lies.")
@click.option("--owner", help="Its column that says whose a photo is.")
@click.option("--version-column", help="Its column that changes if a row does.")
@click.option("--query", type=options.PATH, help="A file with a SELECT of key, embedding, ...")
@click.option("--preset", type=click.Choice(PRESETS), help="The SELECT for a known application.")
@click.option("--dry-run", is_flag=True, help="Say what would be read, and make nothing.")
@options.with_library_and_json
def attach(
    *,
    table: str | None,
    keys: tuple[str, ...],
    embedding: str | None,
    path: str | None,
    owner: str | None,
    version_column: str | None,
    query: Path | None,
    preset: str | None,
    dry_run: bool,
    library: options.Library,
    as_json: bool,
) -> None:
    """Cluster embeddings that stay in a table of your application, which is only read.

    Labels are kept in a schema of fluffy_sql, and photo_clusters there has them by the table's own
    key. Nothing is added to your table, and nothing depends on it. Each run first takes in which
    photos are new, gone or changed.

    A query shows the columns key (key2, ...) and embedding and, if there are any, path, owner and
    version. A preset prints its query, for you to change.

    Example: fluffy-sql attach --table smart_search --key assetId --embedding embedding
    """
    wanted = sources.wanted(
        table=table,
        keys=keys,
        embedding=embedding,
        path=path,
        owner=owner,
        version_column=version_column,
        query=None if query is None else _text_of(query),
        query_name="" if query is None else query.name,
        preset=preset,
    )
    if preset is not None:
        stderr_console().print(Text(str(wanted.query)))
    with library.database.address() as url:
        result = schema.attach(
            url,
            wanted,
            schema=library.database.schema,
            keep_counts_by=library.settings.clustering.counter_cache,
            dry_run=dry_run,
        )
    print_result(result, _describe(result), as_json=as_json, done="the library was attached")


def _text_of(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(
            f"--query names {file}, which can not be read:"
            f" {(error.strerror or str(error)).lower()}; name a file with a SELECT"
        ) from None
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UsageError(f"--query names {file}, which is no text in UTF-8; save it as such")
    return text


def _describe(result: AttachResult) -> Iterator[str]:
    photos = count(result.photos, "photo")
    if result.dry_run:
        yield f"Dry run, nothing was made: {result.source.name} shows {photos}."
        return
    yield (
        f"Attached {result.source.name}: {photos}. It is only read; labels go to"
        f" {result.schema}.photo_clusters."
    )
