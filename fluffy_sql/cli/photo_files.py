"""Where the files of photos are, for commands that look at them."""

from pathlib import Path

import click

from fluffy_sql.cli import options
from fluffy_sql.cli.sample import sample_folder
from fluffy_sql.embedding.files import MappedPath
from fluffy_sql.errors import UsageError

with_root = click.option(
    "--root",
    type=options.PATH,
    help="Folder of the photos; no file outside it is opened. Default: this folder, or that of the"
    " sample library.",
)
with_map_path = click.option(
    "--map-path",
    metavar="FROM=TO",
    help="Look for photos whose path begins with FROM in TO: a container has paths of its own.",
)


def find_root(library: options.Library, root: Path | None) -> Path:
    """The folder that is named; else the sample, if the embedded server holds it; else this."""
    if root:
        return root.expanduser()
    sample = sample_folder(library.settings)
    return sample if not library.settings.database.url and sample.is_dir() else Path()


def parse_map_path(text: str | None) -> MappedPath | None:
    """What `--map-path` says.

    Raises:
        UsageError: it is something else.
    """
    if text is None:
        return None
    known, equals, here = text.partition("=")
    if not (known and equals and here):
        raise UsageError(f"--map-path is {text!r}; allowed: FROM=TO")
    return MappedPath(known, here)
