"""`sample`: loads a sample library into the embedded server."""

from pathlib import Path

import click

from fluffy_sql.cli import options
from fluffy_sql.cli.console import print_result, stderr_console
from fluffy_sql.cli.progress_bar import watch
from fluffy_sql.errors import UsageError
from fluffy_sql.settings import Settings


@click.command
@click.option(
    "--if-empty", is_flag=True, help="Do nothing if there are photos or a database is named."
)
@options.with_config
@options.with_json
def sample(*, if_empty: bool, config: Path | None, as_json: bool) -> None:
    """Draw a sample library and load it into the embedded server, never into another database.

    Example: fluffy-sql sample
    """
    library = options.Library(config, {})
    loaded = 0
    if not library.settings.database.url:
        loaded = _load_sample(library, if_empty=if_empty)
    elif not if_empty:
        raise UsageError(
            "the sample library is only ever loaded into the embedded server, and a database is"
            " named; unset DATABASE_URL and database.url to use the embedded one"
        )
    done = "the import was committed" if loaded else ""
    print_result({"photos_loaded": loaded}, (), as_json=as_json, done=done)


def sample_folder(settings: Settings) -> Path:
    """The folder of its pictures, next to the embedded server."""
    return Path(settings.database.embedded_dir).parent / "sample_library"


def _load_sample(library: options.Library, *, if_empty: bool) -> int:
    """Loads the sample if the embedded library is empty; returns how many photos it has."""
    with library.database.session() as session:
        if session.fetch_value("survey/has_photos"):
            if if_empty:
                return 0
            raise UsageError("the embedded library has photos; the sample is for an empty one")
        with options.needs_extra("sample", "drawing the sample library needs Pillow"):
            from fluffy_sql.operations.sample_library.loading import load_sample_library  # noqa: PLC0415 - an extra
        stderr = stderr_console()
        folder = sample_folder(library.settings)
        stderr.print("The embedded library is empty: drawing a sample library.")
        loaded = load_sample_library(session, folder, watch=watch)
    stderr.print(
        f"Loaded {loaded:,} pictures in 12 themes from {folder}.\nThey are described by colour"
        " layout and gradients, a simple stand-in for DINO embeddings.\nBy a model instead:"
        f" fluffy-sql embed {folder} --replace"
    )
    return loaded
