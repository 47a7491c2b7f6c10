"""`import`: loads embeddings from a file."""

from pathlib import Path

import click

from fluffy_sql.cli import options
from fluffy_sql.cli.console import print_result, printable, stderr_console
from fluffy_sql.operations.importing import import_photos
from fluffy_sql.words import count


@click.command("import")
@click.argument("file", type=options.PATH)
@click.option(
    "--paths",
    type=options.PATH,
    help="With .npy: a CSV whose column path names the photo of each row.",
)
@options.with_library_and_json
def import_(*, file: Path, paths: Path | None, library: options.Library, as_json: bool) -> None:
    """Load embeddings from FILE (.npy, .parquet or .csv): all rows, or none.

    A .parquet or .csv file has the columns path and embedding. Photos with a known path
    are updated, not duplicated.

    Example: fluffy-sql import embeddings.npy --paths photos.csv
    """
    with library.database.session() as session, stderr_console().status("importing") as line:
        result = import_photos(
            session, file, paths, lambda rows: line.update(f"importing: {rows:,} rows read")
        )
    told = (
        f"{printable(str(result.file))}: {count(result.rows_read, 'row')} read;"
        f" {count(result.photos_added, 'photo')} added, {result.photos_updated:,} updated,"
        f" {result.photos_unchanged:,} unchanged"
    )
    print_result(result, told, as_json=as_json)
