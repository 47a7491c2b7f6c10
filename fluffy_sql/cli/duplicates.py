"""`duplicates`: finds groups of near-duplicates."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import click

from fluffy_sql.cli import options
from fluffy_sql.cli.console import (
    Columns,
    Part,
    list_counts,
    literal,
    number,
    print_result,
    table,
)
from fluffy_sql.operations.duplicates import (
    DuplicateGroup,
    DuplicatesRequest,
    DuplicatesResult,
    find_duplicates,
)
from fluffy_sql.words import count

# Of each group; --json has all of its photos.
_SHOWN_PHOTOS = 5


@click.command
@options.with_setting(
    "--within",
    "duplicates.within",
    type=float,
    metavar="D",
    help="The farthest that two near-duplicates are apart, in the metric; default: 0.02 (cosine).",
)
@click.option(
    "--limit",
    "shown",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="Show at most this many groups, the largest first.",
)
@options.with_metric
@click.option("--dry-run", is_flag=True, help="Say what would be found, and write nothing.")
@options.with_library_and_json
def duplicates(*, shown: int, dry_run: bool, library: options.Library, as_json: bool) -> None:
    """Find groups of near-duplicates: bursts, resizes, copies that are cut a little.

    No pair within the distance is missed. A group is a chain of such pairs: two of its photos may
    be farther apart. All groups are written, in place of earlier ones, or none; no photo is
    changed. The view current_duplicates has them.

    Example: fluffy-sql duplicates --within 0.03 --dry-run
    """
    request = DuplicatesRequest(
        within=library.settings.duplicates.within,
        settings=library.settings.clustering,
        dry_run=dry_run,
        shown=shown,
        connections=library.settings.database.connections,
    )
    with library.work() as (session, progress):
        result = find_duplicates(session, request, progress)
    done = "" if dry_run else "the groups were written"
    print_result(result, _describe(result), as_json=as_json, done=done)


_SKIPPED = {
    "without_embedding": "without an embedding",
    "not_comparable": "that can't be compared: zero vectors, or changed meanwhile",
}


def _describe(result: DuplicatesResult) -> Iterator[Part]:
    if result.dry_run:
        yield "Dry run, nothing was written."
    yield (
        f"{count(result.groups, 'group')} of near-duplicates with {count(result.photos, 'photo')},"
        f" of {result.photos_compared:,} compared: within {result.within:g} ({result.metric}),"
        f" {result.seconds:.1f} s."
    )
    if skipped := list_counts(result.skipped, _SKIPPED):
        yield f"Not looked at: {skipped}."
    if not result.largest:
        return
    columns: Columns[_Line] = {
        "group": lambda line: line.group,
        "photos": lambda line: line.photos,
        "distance": lambda line: line.distance,
        "path": lambda line: literal(line.path),
    }
    yield table(chain.from_iterable(map(_lines, result.largest)), columns, ("distance",))
    if more := result.groups - len(result.largest):
        yield f"... and {count(more, 'smaller group')}: --limit shows more"


@dataclass(frozen=True)
class _Line:
    """A photo of a group; the first says which group it is."""

    group: str
    photos: str
    distance: str
    path: str | None


def _lines(group: DuplicateGroup) -> Iterator[_Line]:
    for photo in group.photos[:_SHOWN_PHOTOS]:
        first = photo.rank == 1
        yield _Line(
            str(group.group_id) if first else "",
            number(len(group.photos)) if first else "",
            "best" if first else number(photo.distance, 4),
            photo.path,
        )
    more = len(group.photos) - _SHOWN_PHOTOS
    if more > 0:
        yield _Line("", "", "", f"... and {more:,} more")
