"""The library as runs and sweeps find it: what there is to cluster, and nobody else at work."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from fluffy_sql.errors import BusyError, LibraryError
from fluffy_sql.types import Survey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fluffy_sql.database.session import Session
    from fluffy_sql.types import PhotosAlike


@contextmanager
def only_run(session: Session) -> Iterator[None]:
    """One run at a time in a database; records of runs that were killed are closed."""
    if not session.fetch_value("runs/try_lock"):
        raise BusyError(_describe_holder(session))
    try:
        session.execute("runs/mark_interrupted")
        yield
    finally:
        session.release("runs/unlock")


def _describe_holder(session: Session) -> str:
    found = session.fetch_all("runs/find_holder")
    if not found:  # it ended between the two questions
        return "another run or sweep was at work in this database until just now; try again"
    holder = found[0]
    who = f"{holder['role'] or 'another role'} from {holder['client'] or 'this machine'}"
    run = f"run {holder['run_id']}" if holder["run_id"] else "another run or sweep"
    return (
        f"{run} is at work in this database: {who}, server process {holder['pid']},"
        f" since {holder['since']:%Y-%m-%d %H:%M:%S} UTC; try again when it is done"
    )


def survey(photos: list[PhotosAlike], *, reclustered: bool = False) -> Survey:
    """What there is to cluster.

    Args:
        photos: all usable photos, by kind.
        reclustered: whether those that are in a cluster already count as well.
    """
    eligible = _eligible(photos, reclustered=reclustered)
    return Survey(
        eligible=sum(alike.photos for alike in eligible),
        dimensions=(eligible[0].dimensions or 0) if eligible else 0,
        without_embedding=sum(
            alike.photos for alike in photos if alike.dimensions is None and not alike.clustered
        ),
        clustered=0 if reclustered else sum(alike.photos for alike in photos if alike.clustered),
    )


def require_one_length(photos: list[PhotosAlike], *, reclustered: bool = False) -> None:
    """Makes sure that what `survey` counts can be compared.

    Raises:
        LibraryError: the embeddings are of several lengths.
    """
    by_dimensions: dict[int | None, int] = {}
    for alike in _eligible(photos, reclustered=reclustered):
        by_dimensions[alike.dimensions] = by_dimensions.get(alike.dimensions, 0) + alike.photos
    if len(by_dimensions) > 1:
        raise several_lengths(list(by_dimensions.items()))


def several_lengths(photos_by_dimensions: list[tuple[int | None, int]]) -> LibraryError:
    """The error to raise where embeddings are of several lengths."""
    found = ", ".join(f"{dims} ({photos:,} photos)" for dims, photos in photos_by_dimensions)
    return LibraryError(
        f"the embeddings are of several dimensions: {found};"
        " embed all photos with one model, or leave some out in the view usable_photos"
    )


def _eligible(photos: list[PhotosAlike], *, reclustered: bool) -> list[PhotosAlike]:
    return [
        alike
        for alike in photos
        if alike.dimensions is not None and (reclustered or not alike.clustered)
    ]
