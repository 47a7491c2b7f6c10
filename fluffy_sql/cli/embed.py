"""`embed`: finds photos and embeds them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluffy_sql.cli import options
from fluffy_sql.cli.console import print_result, printable
from fluffy_sql.cli.progress_bar import PhotoProgress
from fluffy_sql.cli.sample import sample_folder
from fluffy_sql.errors import OtherModelError
from fluffy_sql.words import by_reason, count

if TYPE_CHECKING:
    from fluffy_sql.operations.embed.service import EmbedResult  # an extra

# How many of those that can't be embedded are named.
_MOST_NAMED = 10


@click.command
@click.argument("folder", type=options.PATH, required=False)
@click.option(
    "--root",
    type=options.PATH,
    help="Folder that the paths of photos are relative to. Default: that of before, else FOLDER,"
    " else this folder.",
)
@click.option(
    "--replace",
    is_flag=True,
    help="If photos have embeddings of another model, replace them once all have new ones.",
)
@click.option("--forget-missing", is_flag=True, help="Delete photos whose file is gone.")
@click.option("--limit", type=click.IntRange(min=1), help="Embed at most this many; default: all.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    help="How many processors to use; default: all.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be embedded, and write nothing.")
@options.with_library_and_json
def embed(
    *,
    folder: Path | None,
    root: Path | None,
    replace: bool,
    forget_missing: bool,
    limit: int | None,
    jobs: int | None,
    dry_run: bool,
    library: options.Library,
    as_json: bool,
) -> None:
    """Find photos in FOLDER and those below it, and embed those that are new or have changed.

    Without FOLDER, it embeds the photos of the database that have no embedding. If it is stopped,
    call it again: it goes on where it was. embedding.provider says what makes the embeddings.

    Example: fluffy-sql embed ~/Pictures
    """
    with options.needs_extra("photos", "embedding photos needs Pillow"):
        from fluffy_sql.operations.embed.service import EmbedRequest  # noqa: PLC0415 - an extra
        from fluffy_sql.operations.embed.service import embed as embed_photos  # noqa: PLC0415
    request = EmbedRequest(
        settings=library.settings.embedding,
        settings_folder=library.settings.folder,
        folder=folder,
        root=root,
        replace=replace,
        forget_missing=forget_missing,
        limit=limit,
        jobs=jobs,
        dry_run=dry_run,
    )
    with PhotoProgress() as progress, library.database.session() as session:
        try:
            result = embed_photos(session, request, progress)
        except OtherModelError as error:
            sample = sample_folder(library.settings)
            if library.settings.database.url or not sample.is_dir():
                raise
            told = f"{error}; they are those of the sample, if you are done with it: rm -r"
            raise OtherModelError(f"{told} {sample.parent}") from None
    done = "" if dry_run else "the embeddings were committed"
    print_result(result, _describe(result), as_json=as_json, done=done)


def _describe(result: "EmbedResult") -> Iterator[str]:
    embedded = "would be embedded" if result.dry_run else "embedded"
    where = f" in {printable(str(result.folder))}" if result.folder else ""
    yield (
        f"{count(result.photos_found, 'photo')}{where}: {result.photos_embedded:,} {embedded}"
        f" ({result.photos_added:,} new, {result.photos_changed:,} changed),"
        f" {result.photos_unchanged:,} unchanged"
    )
    if result.photos_left:
        yield f"{count(result.photos_left, 'photo')} left by --limit: call it again to go on"
    if unreadable := sum(result.unreadable.values()):
        yield f"{count(unreadable, 'photo')} can't be embedded: {by_reason(result.unreadable)}"
        yield from _name([f"{one.path}: {one.reason}" for one in result.unreadable_listed])
    if result.left_out:
        yield f"left out: {by_reason(result.left_out)}"
    if result.photos_forgotten:
        files = "file is" if result.photos_forgotten == 1 else "files are"
        yield f"{count(result.photos_forgotten, 'photo')} deleted, whose {files} gone"
    elif result.photos_missing:
        files = f"the files of {count(result.photos_missing, 'photo')} are gone"
        yield f"{files}; --forget-missing deletes the photos:"
        yield from _name(result.missing_listed)
    if result.replaced:
        lost = f"; {count(result.embeddings_lost, 'photo')} lost theirs, since the file is gone"
        yield f"All embeddings are replaced{lost if result.embeddings_lost else ''}"
        yield "Cluster all photos anew: fluffy-sql generate --recluster --cold"
    of = f", {result.dimensions:,} dimensions" if result.dimensions else ""
    speed = f", {result.photos_per_second:,.1f} photos/s" if result.photos_per_second else ""
    yield f"{printable(result.model)}{of}; {result.seconds:.1f} s{speed}"


def _name(lines: Sequence[str]) -> Iterator[str]:
    yield from (f"  {printable(line)}" for line in lines[:_MOST_NAMED])
    if len(lines) > _MOST_NAMED:
        yield "  ..."
