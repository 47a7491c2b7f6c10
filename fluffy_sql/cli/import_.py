"""`import`: loads embeddings from a file."""

from pathlib import Path

import click

from fluffy_sql.cli import options
from fluffy_sql.cli.console import print_result, printable, stderr_console
from fluffy_sql.operations.importing import KINDS, find_file, import_photos
from fluffy_sql.words import count


@click.command("import")
@click.argument("file", type=options.PATH)
@click.option(
    "--paths",
    type=options.PATH,
    help="With .npy: a CSV whose column path names the photo of each row.",
)
@click.option("--format", "kind", type=click.Choice(list(KINDS)), help="What FILE is.")
@click.option(
    "--force", is_flag=True, help="Also if other photos have embeddings of another length."
)
@options.with_library_and_json
def import_(
    *,
    file: Path,
    paths: Path | None,
    kind: str | None,
    force: bool,
    library: options.Library,
    as_json: bool,
) -> None:
    """Load embeddings from FILE (.npy, .parquet or .csv; - for stdin): all rows, or none.

    A .parquet or .csv file has the columns path and embedding. Photos with a known path
    are updated, not duplicated.

    Example: fluffy-sql import embeddings.npy --paths photos.csv
    """
    embeddings = find_file(file, paths, kind)
    with library.database.session() as session, stderr_console().status("importing") as line:

        def show(rows: int) -> None:
            line.update(f"importing: {rows:,} rows read")

        result = import_photos(session, embeddings, show, force=force)
    told = (
        f"{printable(str(embeddings.source))}: {count(result.rows_read, 'row')} read;"
        f" {count(result.photos_added, 'photo')} added, {result.photos_updated:,} updated,"
        f" {result.photos_unchanged:,} unchanged"
    )
    print_result(result, told, as_json=as_json, done="the import was committed")
