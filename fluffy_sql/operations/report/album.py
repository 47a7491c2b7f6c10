"""The pictures of a report: contact sheets as files, small photos as parts of the page."""

import os
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from fluffy_sql.embedding.files import Reason, UnreadableError, locate
from fluffy_sql.operations.report.model import (
    BETWEEN,
    CENTRAL,
    OUTERMOST,
    SECTIONS,
    Cluster,
    DuplicateGroup,
    Duplicates,
    Photo,
    Shown,
)
from fluffy_sql.operations.report.pictures import data_uri, read_small, square
from fluffy_sql.operations.report.sheets import CELL, Row, Tile, draw_sheet
from fluffy_sql.operations.report.words import distance, printable
from fluffy_sql.words import count

# How high photos on the page are, and of what quality, for at most this many of them: a page should
# go by mail, which takes 10 MB nearly everywhere. Pixels; a page shows them 88 high, so that few
# photos are sharp on fine screens, too.
_SIZES = ((1_200, CELL, 65), (2_400, 128, 60), (4_500, 96, 60))
_SMALLEST = (72, 50)
_ICON = (64, 60)


@dataclass(frozen=True)
class PagePhoto:
    """A photo as the page shows it.

    Attributes:
        uri: the picture itself; empty if it can't be shown.
        width, height: of the picture, in pixels.
        trouble: why it can't be shown.
    """

    photo: Photo
    uri: str = ""
    width: int = 0
    height: int = 0
    trouble: Reason | None = None


@dataclass(frozen=True)
class GroupPictures:
    """The pictures of a group of near-duplicates."""

    group: DuplicateGroup
    photos: list[PagePhoto]


@dataclass(frozen=True)
class Pictures:
    """What was made of one cluster's photos.

    Attributes:
        sections: by name, as `Shown.section` orders them.
        icon: address of a small square picture of the most central photo that can be shown; empty
            if there is none.
        sheet_bytes: size of its contact sheet.
    """

    shown: Shown
    sections: dict[str, list[PagePhoto]]
    icon: str
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
    clusters: Sequence[Shown], root: Path, folder: Path, done: Callable[[int], None]
) -> list[Pictures]:
    """Reads the photos of clusters, and writes a contact sheet for each.

    A cluster is one thread's work from its first photo to its sheet; after
    that only what the page shows is kept, a few KB a photo.

    Args:
        clusters: with the photos to be shown.
        root: the folder that photos lie in; resolved.
        folder: for the sheets; it exists.
        done: is called with how many clusters are done.

    Raises:
        OSError: a sheet can't be written.
    """
    tiles = sum(len(shown.photos) for shown in clusters)
    height, quality = _size(tiles)
    work = partial(_pictures_of, root=root, folder=folder, height=height, quality=quality)
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
    return next(((high, quality) for most, high, quality in _SIZES if tiles <= most), _SMALLEST)


def _pictures_of(shown: Shown, *, root: Path, folder: Path, height: int, quality: int) -> Pictures:
    sections: dict[str, list[PagePhoto]] = {}
    rows = []
    icon = ""
    for section in SECTIONS:
        page_photos, tiles = [], []
        for photo in shown.section(section):
            page_photo, picture = _read(photo, root, height, quality)
            page_photos.append(page_photo)
            trouble = page_photo.trouble.words if page_photo.trouble else ""
            tiles.append(Tile(photo.rank, photo.distance, picture, trouble))
            if picture and not icon:
                icon = data_uri(square(picture, _ICON[0]), *_ICON)
        sections[section] = page_photos
        rows.append(Row(*section_heading(shown, section), tiles))
    file = folder / sheet_name(shown.cluster)
    draw_sheet(title(shown.cluster), _facts(shown.cluster), rows).save(file)
    return Pictures(shown, sections, icon, file.stat().st_size)


def make_group_pictures(duplicates: Duplicates | None, root: Path) -> list[GroupPictures]:
    """Reads the photos of groups of near-duplicates; there are few."""
    height, quality = _size(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [
            GroupPictures(group, [_read(photo, root, height, quality)[0] for photo in group.photos])
            for group in (duplicates.largest if duplicates else ())
        ]


def _read(
    photo: Photo, root: Path, height: int, quality: int
) -> tuple[PagePhoto, Image.Image | None]:
    """A photo as the page shows it, and its picture."""
    try:
        picture = read_small(locate(root, photo.path), CELL)
    except UnreadableError as error:
        return PagePhoto(photo, trouble=error.reason), None
    return PagePhoto(photo, data_uri(picture, height, quality), *picture.size), picture


def _facts(cluster: Cluster) -> str:
    facts = [count(cluster.photos, "photo")]
    if cluster.spread:
        facts.append(f"mean distance {distance(cluster.spread.mean)}")
        facts.append(f"largest {distance(cluster.spread.largest)}")
    return "   ".join(facts)
