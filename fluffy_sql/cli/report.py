"""`report`: writes a page and contact sheets that show the clusters."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fluffy_sql.cli import options
from fluffy_sql.cli.console import print_result, printable, stderr_console
from fluffy_sql.cli.photo_files import find_root, parse_map_path, with_map_path, with_root
from fluffy_sql.errors import UsageError
from fluffy_sql.words import count

if TYPE_CHECKING:
    from fluffy_sql.operations.report.build import ReportResult  # an extra

# Most mail servers take 20 to 25 MB, of which a page fills three quarters: it travels as text.
_MAILABLE_BYTES = 15_000_000


@click.command
@click.option(
    "--out",
    type=options.PATH,
    required=True,
    help="Folder to write; an earlier report in it is replaced.",
)
@click.option(
    "--clusters",
    "largest",
    type=click.IntRange(min=1),
    help="Show this many, the largest first; default: all, or the largest if there are very many.",
)
@click.option(
    "--cluster",
    "cluster_ids",
    type=options.ID,
    multiple=True,
    help="Show this cluster; repeat for more.",
)
@options.with_run
@click.option(
    "--photos",
    type=click.IntRange(min=1, max=200),
    default=12,
    show_default=True,
    help="Photos in each section of a cluster: central, between, outermost.",
)
@click.option(
    "--interactive",
    is_flag=True,
    help="Search, filter and sort the clusters in the page, by a script in it.",
)
@click.option(
    "--compare",
    "compared_to",
    type=options.ID,
    metavar="RUN",
    help="Show what was moved since this run, before and after side by side.",
)
@with_root
@with_map_path
@options.with_scope
@options.with_library_and_json
def report(
    *,
    out: Path,
    root: Path | None,
    map_path: str | None,
    interactive: bool,
    library: options.Library,
    as_json: bool,
    **selected: Any,
) -> None:
    """Write a folder that shows the clusters: index.html, and a contact sheet for each cluster.

    The page needs no network. It begins with a wall of covers; a cover opens its cluster, with the
    most central photos, some random ones and the outermost, and a photo opens in large. A map shows
    which clusters are near each other. The database is only read.

    Example: fluffy-sql report --out report --clusters 5 --root ~/Pictures
    """
    if selected["largest"] and selected["cluster_ids"]:
        raise UsageError("--clusters and --cluster can't be given together; leave one out")
    with options.needs_extra("report", "a report needs Pillow and Jinja2"):
        from fluffy_sql.operations.report.build import write_report  # noqa: PLC0415 - an extra
        from fluffy_sql.operations.report.model import Selection  # noqa: PLC0415 - an extra
    root, mapped = find_root(library, root), parse_map_path(map_path)
    with (
        library.database.reader(at_one_moment=True) as session,
        stderr_console().status("reading the clusters") as line,
    ):
        result = write_report(
            session,
            Selection(**selected),
            out,
            root,
            line.update,
            mapped=mapped,
            interactive=interactive,
        )
    print_result(result, _describe(result), as_json=as_json, done="the report was written")


def _describe(result: "ReportResult") -> Iterator[str]:
    """What was written where, and which photos are missing from it."""
    shown = "" if result.clusters == result.clusters_in_scope else f"{result.clusters:,} of "
    looks = f"{result.second_look:,}" if result.second_look else "nothing"
    yield (
        f"{printable(result.index)}: {shown}{count(result.clusters_in_scope, 'cluster')},"
        f" {count(result.photos_shown, 'photo')}, {_megabytes(result.page_bytes)},"
        f" {result.seconds:.1f} s; {looks} worth a second look"
    )
    sheets = count(result.contact_sheets, "contact sheet")
    yield f"{sheets} beside it, {_megabytes(result.contact_sheet_bytes)}"
    unreadable = ""
    if result.photos_unreadable:
        reasons = ", ".join(
            f"{photos:,} {reason.replace('_', ' ')}" for reason, photos in result.unreadable.items()
        )
        doubt = "; is --root right?" if result.photos_unreadable > result.photos_shown else ""
        unread = count(result.photos_unreadable, "photo")
        unreadable = f"; {unread} could not be read: {reasons}{doubt}"
    yield f"Photos from {printable(result.root)}{unreadable}"
    if result.page_bytes > _MAILABLE_BYTES:
        yield "The page is large for an email; fewer --clusters or --photos make it smaller."


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
