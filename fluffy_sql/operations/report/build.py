"""Writes a report: asks the database, reads the photos, writes page and sheets into a folder."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fluffy_sql.embedding.files import MappedPath
from fluffy_sql.errors import UsageError
from fluffy_sql.operations.report.album import Place, make_group_pictures, make_pictures
from fluffy_sql.operations.report.folder import INDEX, SHEETS, replaced_whole
from fluffy_sql.operations.report.gather import gather
from fluffy_sql.operations.report.model import Selection
from fluffy_sql.operations.report.page import render
from fluffy_sql.postgres.session import Session


@dataclass(frozen=True)
class ReportResult:
    """A report that was written, with the names `report --json` uses.

    Attributes:
        out: the folder, as it was named.
        index: the page in it.
        root: the folder photos were looked for in.
        clusters: shown with photos.
        clusters_in_scope: shown in the overview.
        second_look: reasons for a second look.
        photos_shown: photos that could be read.
        unreadable: photos that could not, by reason.
    """

    out: str
    index: str
    page_bytes: int
    root: str
    clusters: int
    clusters_in_scope: int
    second_look: int
    photos_shown: int
    photos_unreadable: int
    unreadable: dict[str, int]
    contact_sheets: int
    contact_sheet_bytes: int
    seconds: float


def write_report(
    session: Session,
    selection: Selection,
    out: Path,
    root: Path,
    progress: Callable[[str], None],
    *,
    mapped: MappedPath | None = None,
    interactive: bool = False,
) -> ReportResult:
    """Writes a report whole, or leaves what was there before.

    Args:
        session: on a migrated database.
        selection: which clusters.
        out: the folder to write; an earlier report in it is replaced.
        root: the folder of relative paths; no photo outside of it is opened.
        progress: is notified of each step.
        mapped: where paths of another machine lie here.
        interactive: whether its script searches, filters and sorts the wall.

    Raises:
        UsageError: `root` is no folder, `out` holds other things, or a cluster does not exist.
        LibraryError: there are no clusters to look at.
        ReportError: the folder can't be written.
        DatabaseError: Postgres refused a statement.
    """
    begun = time.perf_counter()
    photos_in = root.resolve()
    if not photos_in.is_dir():
        raise UsageError(f"--root: {root} is not a folder; name the one that photos lie in")
    place = Place(photos_in, out.resolve(), mapped)
    with replaced_whole(place.out) as folder:
        progress("asking the database")
        library = gather(session, selection)
        total = len(library.shown)
        (folder / SHEETS).mkdir()
        pictures = make_pictures(
            library.shown,
            place,
            folder / SHEETS,
            lambda done: progress(f"reading photos: {done:,} of {total:,} clusters"),
        )
        unreadable = sum((made.troubles() for made in pictures), Counter[str]())
        progress("writing the page")
        with (folder / INDEX).open("w", encoding="utf-8") as file:
            alike = library.duplicates.largest if library.duplicates else ()
            moved = library.moves.largest if library.moves else ()
            file.writelines(
                render(
                    library,
                    pictures,
                    unreadable,
                    datetime.now(UTC),
                    make_group_pictures(alike, place),
                    moved=make_group_pictures(moved, place),
                    interactive=interactive,
                )
            )
        page_bytes = (folder / INDEX).stat().st_size
    shown = sum(len(cluster.photos) for cluster in library.shown)
    return ReportResult(
        out=str(out),
        index=str(out / INDEX),
        page_bytes=page_bytes,
        root=str(photos_in),
        clusters=len(library.shown),
        clusters_in_scope=len(library.clusters),
        second_look=library.second_look_found,
        photos_shown=shown - unreadable.total(),
        photos_unreadable=unreadable.total(),
        unreadable=dict(unreadable.most_common()),
        contact_sheets=len(pictures),
        contact_sheet_bytes=sum(made.sheet_bytes for made in pictures),
        seconds=round(time.perf_counter() - begun, 3),
    )
