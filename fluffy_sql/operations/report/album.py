"""The pictures of a report: contact sheets as files, small photos as parts of the page."""

import os
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from fluffy_sql.embedding.files import MappedPath, Reason, UnreadableError, locate
from fluffy_sql.embedding.pictures import PictureFacts, describe_picture
from fluffy_sql.operations.report.model import (
    BETWEEN,
    CENTRAL,
    OUTERMOST,
    SECTIONS,
    Cluster,
    DuplicateGroup,
    Move,
    Photo,
    Shown,
)
from fluffy_sql.operations.report.pictures import data_uri, mosaic, read_small
from fluffy_sql.operations.report.sheets import CELL, Row, Tile, draw_sheet
from fluffy_sql.operations.report.words import distance, printable
from fluffy_sql.words import count

# How large photos on the page are, and of what quality, for at most this many of them: a page
# should go by mail, which takes 10 MB nearly everywhere. Pixels of the longer side.
_SIZES = ((600, 320, 65), (1_500, 240, 60), (2_500, 192, 55), (4_500, 144, 45))
_SMALLEST = (104, 42)
# The cover of a cluster, two thirds as high as wide, of at most three photos.
_COVER, _COVER_QUALITY, _ON_COVER = (384, 256), 55, 3
# What a browser shows; of others the page has its small picture only.
_SHOWN_BY_BROWSERS = {
    *(".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".webp"),
}


@dataclass(frozen=True)
class Place:
    """Where photos lie and where the page will.

    Attributes:
        root: the folder of photos; resolved.
        out: the folder of the page; resolved.
        mapped: where paths of another machine lie here.
    """

    root: Path
    out: Path
    mapped: MappedPath | None = None

    def address(self, file: Path) -> str:
        """The address of a file in the root, as seen from the page; empty if there is none."""
        try:
            return quote(os.fsencode(Path(os.path.relpath(file, self.out)).as_posix()))
        except ValueError:  # on another drive
            return ""


@dataclass(frozen=True)
class PagePhoto:
    """A photo as the page shows it.

    Attributes:
        uri: the small picture itself; empty if it can't be shown.
        width, height: of the small picture, in pixels.
        file: the address of its file, seen from the page.
        facts: what the file says of the photo.
        trouble: why it can't be shown.
    """

    photo: Photo
    uri: str = ""
    width: int = 4
    height: int = 3
    file: str = ""
    facts: PictureFacts | None = None
    trouble: Reason | None = None

    @property
    def opens(self) -> bool:
        """Whether a browser can show its file."""
        return bool(self.file) and Path(self.file).suffix.lower() in _SHOWN_BY_BROWSERS


@dataclass(frozen=True)
class GroupPictures:
    """The pictures of a group of near-duplicates, or of a move."""

    group: DuplicateGroup | Move
    photos: list[PagePhoto]


@dataclass(frozen=True)
class Pictures:
    """What was made of one cluster's photos.

    Attributes:
        sections: by name, as `Shown.section` orders them.
        cover: address of a mosaic of the most central photos that can be shown; empty if there is
            none.
        on_cover: how many photos it is of.
        sheet_bytes: size of its contact sheet.
    """

    shown: Shown
    sections: dict[str, list[PagePhoto]]
    cover: str
    on_cover: int
    sheet_bytes: int

    def troubles(self) -> Counter[str]:
        """Photos that can't be shown, by reason."""
        return Counter(
            photo.trouble.value
            for photos in self.sections.values()
            for photo in photos
            if photo.trouble
        )


def sheet_name(cluster: Cluster) -> str:
    """The file of a cluster's contact sheet."""
    return f"{cluster.id:04d}.png"


def title(cluster: Cluster) -> str:
    """`Cluster 3`, with its name if it has one."""
    name = f": {printable(cluster.name)}" if cluster.name else ""
    return f"Cluster {cluster.id}{name}"


def section_heading(shown: Shown, section: str) -> tuple[str, str]:
    """What the photos of a section are: in a word, and in a few."""
    drawn = len(shown.section(BETWEEN))
    others = shown.cluster.photos - len(shown.photos) + drawn
    if section == CENTRAL:
        return "Central", "nearest to the centroid"
    if section == OUTERMOST:
        return "Outermost", "farthest from the centroid; these may not belong"
    if drawn < others:
        return (
            "Random",
            f"{drawn:,} of the {others:,} {'others' if shown.section(CENTRAL) else 'photos'}",
        )
    return ("In between", "all the others") if shown.section(CENTRAL) else ("Photos", "all of them")


def make_pictures(
    clusters: Sequence[Shown],
    place: Place,
    folder: Path,
    done: Callable[[int], None],
) -> list[Pictures]:
    """Reads the photos of clusters, and writes a contact sheet for each.

    A cluster is one thread's work from its first photo to its sheet; after
    that only what the page shows is kept, a few KB a photo.

    Args:
        clusters: with the photos to be shown.
        place: where they lie.
        folder: for the sheets; it exists.
        done: is called with how many clusters are done.

    Raises:
        OSError: a sheet can't be written.
    """
    size = _size(sum(len(shown.photos) for shown in clusters))

    def work(shown: Shown) -> Pictures:
        return _pictures_of(shown, place, folder, size)

    made = []
    # No more threads than cores: each holds the photos of a cluster.
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        # Sizes are checked before decoding; and a photo's odd metadata are not the reader's matter.
        warnings.simplefilter("ignore")
        for pictures in pool.map(work, clusters):
            made.append(pictures)
            done(len(made))
    return made


def _size(tiles: int) -> tuple[int, int]:
    return next(((side, quality) for most, side, quality in _SIZES if tiles <= most), _SMALLEST)


def _pictures_of(shown: Shown, place: Place, folder: Path, size: tuple[int, int]) -> Pictures:
    sections: dict[str, list[PagePhoto]] = {}
    rows = []
    on_cover: list[Image.Image] = []
    for section in SECTIONS:
        page_photos, tiles = [], []
        for photo in shown.section(section):
            wanted = _COVER[0] if len(on_cover) < _ON_COVER else CELL
            page_photo, picture = _read(photo, place, size, wanted)
            page_photos.append(page_photo)
            if picture and len(on_cover) < _ON_COVER:
                on_cover.append(picture)
            trouble = page_photo.trouble.words if page_photo.trouble else ""
            tiles.append(Tile(photo.rank, photo.distance, picture and _in_cell(picture), trouble))
        sections[section] = page_photos
        rows.append(Row(*section_heading(shown, section), tiles))
    file = folder / sheet_name(shown.cluster)
    draw_sheet(title(shown.cluster), _facts(shown.cluster), rows).save(file)
    cover = data_uri(mosaic(on_cover, _COVER), _COVER[0], _COVER_QUALITY) if on_cover else ""
    return Pictures(shown, sections, cover, len(on_cover), file.stat().st_size)


def _in_cell(picture: Image.Image) -> Image.Image:
    if max(picture.size) <= CELL:
        return picture
    smaller = picture.copy()
    smaller.thumbnail((CELL, CELL), Image.Resampling.BICUBIC)
    return smaller


def make_group_pictures(
    groups: Sequence[DuplicateGroup | Move], place: Place
) -> list[GroupPictures]:
    """Reads the photos of groups of near-duplicates, or of moves; there are few."""
    size = _size(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [
            GroupPictures(group, [_read(photo, place, size, 0)[0] for photo in group.photos])
            for group in groups
        ]


def _read(
    photo: Photo, place: Place, size: tuple[int, int], wanted: int
) -> tuple[PagePhoto, Image.Image | None]:
    """A photo as the page shows it, and its picture, `wanted` pixels large or more."""
    try:
        file = locate(place.root, photo.path, place.mapped)
        picture = read_small(file, max(size[0], wanted))
        facts = describe_picture(file)
    except UnreadableError as error:
        return PagePhoto(photo, trouble=error.reason), None
    uri = data_uri(picture, *size)
    return PagePhoto(photo, uri, *picture.size, place.address(file), facts), picture


def _facts(cluster: Cluster) -> str:
    facts = [count(cluster.photos, "photo")]
    if cluster.spread:
        facts.append(f"mean distance {distance(cluster.spread.mean)}")
        facts.append(f"largest {distance(cluster.spread.largest)}")
    return "   ".join(facts)
