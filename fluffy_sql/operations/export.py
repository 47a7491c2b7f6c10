"""Exports clusters for other tools: their photos one by one, playlists, or folders of links."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath

from fluffy_sql.embedding.files import MappedPath, Reason, UnreadableError, locate
from fluffy_sql.errors import LibraryError, UsageError
from fluffy_sql.operations.report.folder import replaced_whole
from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.owners import Owners, ScopeFilter

FOLDERS, PLAYLISTS = "folders", "m3u"

# By it an earlier export is known, which alone is replaced.
_MARK = ".fluffy_sql_export"
_PLAYLIST = ".m3u8"
# What a file system or a shell takes for something else, and what can't be seen.
_UNSAFE = re.compile(r'[\\/:*?"<>|]|[^\w\s.,;()\[\]{}!#$%&\'+=@^`~-]')
# Characters; file systems allow 255 bytes, and one may take four.
_LONGEST = 50


@dataclass(frozen=True, kw_only=True)
class ExportedPhoto:
    """A photo of a cluster, with the names of columns and JSON fields.

    Attributes:
        scope: of the cluster, as it is named; None: unscoped.
        key: what the source of an attached library calls the photo, as text, columns joined by `/`;
            None: the library is none.
        rank: 1 is the photo nearest to the centroid.
        distance: to that; None: the two can't be compared.
    """

    cluster_id: int
    cluster_name: str | None
    scope: int | str | None
    photo_id: int
    key: str | None
    path: str | None
    rank: int
    distance: float | None


@dataclass(frozen=True)
class ExportResult:
    """Folders or playlists that were written, as `clusters export --json` tells it.

    Attributes:
        out: the folder that they are in, as it was named.
        root: the folder that photos were looked for in.
        clusters, photos: how many there are in it.
        left_out: photos that are not, by reason.
    """

    out: str
    format: str
    root: str
    clusters: int
    photos: int
    left_out: dict[str, int]


@dataclass(frozen=True)
class Place:
    """Where photos are, and how they are named in an export.

    Attributes:
        root: the folder of relative paths, resolved; what lies outside of it is left out.
        mapped: where paths of another machine lie here.
        relative: whether paths are told as seen from the export, which then may be moved along with
            the photos; else they are absolute.
    """

    root: Path
    mapped: MappedPath | None = None
    relative: bool = False


def export_photos(
    session: Session,
    *,
    run_id: int | None = None,
    scope: ScopeFilter | None = None,
    cluster_ids: Iterable[int] = (),
) -> Iterator[ExportedPhoto]:
    """The photos of clusters, cluster by cluster, the most central first; some at a time.

    Args:
        session: that looks at one moment.
        run_id: only of clusters that this run made.
        scope: only of clusters of this scope.
        cluster_ids: only of these; empty: of all.

    Raises:
        UsageError: a cluster was asked for that does not exist.
        DatabaseError: Postgres refused a statement.
    """
    owners = Owners(session)
    asked = owners.find(scope)
    of_scope = {"every_scope": asked is None, "scope": asked.scope if asked else None}
    if wanted := list(cluster_ids):
        clusters = session.fetch_all("naming/list_clusters", **of_scope)
        known = {row["id"] for row in clusters if run_id in {None, row["run_id"]}}
        if unknown := set(wanted) - known:
            of_run = "" if run_id is None else f" of run {run_id}"
            raise UsageError(
                f"there is no cluster {min(unknown)}{of_run}; see: fluffy-sql clusters"
            )
    rows = session.stream(
        "export/list_photos",
        run_id=run_id,
        cluster_ids=wanted or None,
        **of_scope,
    )
    return (ExportedPhoto(**{**row, "scope": owners.name(row["scope"])}) for row in rows)


def write_export(
    photos: Iterable[ExportedPhoto], out: Path, kind: str, place: Place
) -> ExportResult:
    """Writes a folder with a folder of links, or a playlist, for each cluster; no photo is touched.

    Args:
        photos: cluster by cluster.
        out: the folder to write; an earlier export in it is replaced, anything else refused.
        kind: FOLDERS or PLAYLISTS.
        place: of the photos.

    Raises:
        UsageError: `out` holds other things than an earlier export, or lies among the photos.
        LibraryError: there is no photo to export.
        ReportError: it can't be written; what was there before stays.
    """
    final = out.resolve()
    if kind == FOLDERS and final.is_relative_to(place.root):
        raise UsageError(
            f"--out: {out} lies in {place.root}, so embed would find each photo there twice; name a"
            " folder outside of --root"
        )
    left_out: Counter[str] = Counter()
    clusters = exported = 0
    with replaced_whole(final, _find_foreign, "export") as folder:
        (folder / _MARK).touch()
        for (cluster_id, called), of_cluster in groupby(
            photos, key=lambda photo: (photo.cluster_id, photo.cluster_name)
        ):
            name = _name_of(cluster_id, called)
            found = _located(of_cluster, place, left_out)
            write = _write_links if kind == FOLDERS else _write_playlist
            if written := write(found, folder / name, final / name, place, left_out):
                clusters, exported = clusters + 1, exported + written
        if not exported and not left_out:
            raise LibraryError(
                "no photo is in a cluster that was asked for; see: fluffy-sql clusters"
            )
    return ExportResult(
        str(out), kind, str(place.root), clusters, exported, dict(left_out.most_common())
    )


def _located(
    photos: Iterable[ExportedPhoto], place: Place, left_out: Counter[str]
) -> Iterator[tuple[ExportedPhoto, Path]]:
    """Photos with their files; counts those that have none here."""
    for photo in photos:
        try:
            file = locate(place.root, photo.path, place.mapped)
            if not file.is_file():
                raise UnreadableError(Reason.MISSING)  # noqa: TRY301 - as locate does
            yield photo, file
        except UnreadableError as error:
            left_out[error.reason.words] += 1


def _write_links(
    found: Iterable[tuple[ExportedPhoto, Path]],
    folder: Path,
    final: Path,
    place: Place,
    _left_out: Counter[str],
) -> int:
    """Links to the photos of a cluster, which will lie in `final`."""
    links = 0
    for photo, file in found:
        folder.mkdir(exist_ok=True)
        link = folder / PurePosixPath(photo.path or "").name
        if os.path.lexists(link):  # two photos of a name, from different folders
            link = link.with_name(link.stem[:_LONGEST] + link.suffix)  # leaves room for the id
        while os.path.lexists(link):
            link = link.with_name(f"{link.stem} ({photo.photo_id}){link.suffix}")
        link.symlink_to(os.path.relpath(file, final) if place.relative else file)
        links += 1
    return links


def _write_playlist(
    found: Iterable[tuple[ExportedPhoto, Path]],
    folder: Path,
    final: Path,
    place: Place,
    left_out: Counter[str],
) -> int:
    """A list of the photos of a cluster, beside the folder it would have."""
    lines = 0
    playlist = folder.with_name(folder.name + _PLAYLIST)
    with playlist.open("w", encoding="utf-8", errors="surrogateescape", newline="\n") as stream:
        stream.write("#EXTM3U\n")
        for _, file in found:
            line = os.path.relpath(file, final.parent) if place.relative else str(file)
            if not line.isprintable():  # it would be two lines, or none that a player finds
                left_out["name not printable"] += 1
                continue
            stream.write(f"./{line}\n" if line.startswith("#") else f"{line}\n")
            lines += 1
    if not lines:
        playlist.unlink()
    return lines


def _name_of(cluster_id: int, name: str | None) -> str:
    """A name for the folder of a cluster that is one on any system: `0003 harbour`."""
    safe = _UNSAFE.sub("_", " ".join((name or "").split()))[:_LONGEST]
    return f"{cluster_id:04d} {safe}".rstrip(". ")


def _find_foreign(out: Path) -> str | None:
    """The name of something that no export wrote."""
    names = sorted(entry.name for entry in out.iterdir())
    if names and _MARK not in names:
        return names[0]
    for entry in sorted(out.iterdir()):
        if entry.is_symlink() or not entry.is_dir():
            if entry.name != _MARK and entry.suffix != _PLAYLIST:
                return entry.name
            continue
        for inside in sorted(entry.iterdir()):
            if not inside.is_symlink():
                return f"{entry.name}/{inside.name}"
    return None
