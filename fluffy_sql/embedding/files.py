"""Files of photos: from a path to the file, which is never one outside the root, and back."""

import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePath

from fluffy_sql.errors import PhotoError

_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|data:)", re.IGNORECASE)
# By their names, so that thousands of other files need not be opened. Videos are none.
PHOTO_SUFFIXES = frozenset(
    {
        *(".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".jfif", ".jpe", ".jpeg", ".jpg"),
        *(".png", ".tif", ".tiff", ".webp"),
    }
)


class Reason(StrEnum):
    """Why a photo can't be read; the names are those of `report --json`."""

    NO_PATH = "no_path"
    ADDRESS = "address"
    OUTSIDE_ROOT = "outside_root"
    MISSING = "missing"
    NOT_A_FILE = "not_a_file"
    NOT_READABLE = "not_readable"
    EMPTY = "empty"
    NOT_AN_IMAGE = "not_an_image"
    DAMAGED = "damaged"
    TOO_LARGE = "too_large"

    @property
    def words(self) -> str:
        """The reason as a person reads it."""
        longer = {Reason.ADDRESS: "a web address", Reason.OUTSIDE_ROOT: "outside the root"}
        return longer.get(self, self.value.replace("_", " "))


class UnreadableError(PhotoError):
    """A photo can't be read. A report shows a labelled tile in its place."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.words)
        self.reason = reason


@dataclass(frozen=True)
class MappedPath:
    """That paths which begin with `known` lie in the folder `here`.

    An application in a container knows its files by other paths than the machine does.
    """

    known: str
    here: str

    def of(self, path: str) -> str:
        """The path as it is here."""
        folder = self.known.rstrip("/") + "/"
        return str(Path(self.here, path[len(folder) :])) if path.startswith(folder) else path


def locate(root: Path, path: str | None, mapped: MappedPath | None = None) -> Path:
    """The file of a photo, with every link on the way followed.

    Args:
        root: the folder that photos lie in; already resolved.
        path: as the database has it: relative to the root, or absolute and inside it.
        mapped: where paths of another machine lie here.

    Raises:
        UnreadableError: it is no path, is not there, or lies outside the root.
    """
    if not path:
        raise UnreadableError(Reason.NO_PATH)
    if _ADDRESS.match(path):
        raise UnreadableError(Reason.ADDRESS)
    try:
        file = (root / (mapped.of(path) if mapped else path)).resolve()
        if not file.is_relative_to(root):
            raise UnreadableError(Reason.OUTSIDE_ROOT)
        # A pipe or a device would be waited for, perhaps forever. (Path.is_file takes what may not
        # be looked at for none, since Python 3.14.)
        if not stat.S_ISREG(file.stat().st_mode):
            raise UnreadableError(Reason.NOT_A_FILE)
    except (FileNotFoundError, NotADirectoryError):
        return file
    except PermissionError:
        raise UnreadableError(Reason.NOT_READABLE) from None
    except (OSError, RuntimeError, ValueError):  # a name too long, links in a circle, half a letter
        raise UnreadableError(Reason.MISSING) from None
    return file


@dataclass(frozen=True)
class PhotoFile:
    """A file that a photo may be in.

    Attributes:
        path: as the database has it, or is to have it.
        file: where it is, with every link on the way followed.
        bytes: its size.
        modified: when it was last written, in seconds since 1970.
    """

    path: str
    file: Path
    bytes: int
    modified: float


def look_at(path: str, file: Path) -> PhotoFile:
    """A file as it is now.

    Raises:
        UnreadableError: it is not there.
    """
    try:
        found = file.stat()
    except OSError:
        raise UnreadableError(Reason.MISSING) from None
    return PhotoFile(path, file, found.st_size, found.st_mtime)


def find_photos(root: Path, folder: Path, left_out: Counter[str]) -> Iterator[PhotoFile]:
    """The photos in a folder and those below it, always in the same order.

    Hidden files and folders are left out, and links to folders.

    Args:
        root: the folder that paths are relative to; already resolved.
        folder: `root` or a folder below it; already resolved.
        left_out: counts what can't be taken, by reason.
    """
    folders = [folder]
    while folders:
        here = folders.pop()
        try:
            inside, names = _list_folder(here)
        except OSError:
            left_out["folder not readable"] += 1
            continue
        folders.extend(here / name for name in sorted(inside, reverse=True))
        for name in sorted(names):
            path = (here / name).relative_to(root).as_posix()
            try:
                path.encode()
                yield look_at(path, locate(root, path))
            except UnicodeEncodeError:
                left_out["name not in UTF-8"] += 1
            except UnreadableError as error:
                if error.reason is Reason.OUTSIDE_ROOT:
                    left_out["link out of the root"] += 1
                elif error.reason is Reason.NOT_READABLE:
                    left_out[error.reason.words] += 1


def _list_folder(folder: Path) -> tuple[list[str], list[str]]:
    """Names of the folders in it, and of the files that may be photos."""
    folders, photos = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            elif PurePath(entry.name).suffix.lower() in PHOTO_SUFFIXES:
                photos.append(entry.name)
    return folders, photos
