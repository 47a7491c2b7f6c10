"""From the path of a photo to a file that may be opened, which is never one outside the root."""

import re
from enum import StrEnum
from pathlib import Path

from fluffy_sql.errors import PhotoError

_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|data:)", re.IGNORECASE)


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


def locate(root: Path, path: str | None) -> Path:
    """The file of a photo, with every link on the way followed.

    Args:
        root: the folder that photos lie in; already resolved.
        path: as the database has it: relative to the root, or absolute and inside it.

    Raises:
        UnreadableError: it is no path, is not there, or lies outside the root.
    """
    if not path:
        raise UnreadableError(Reason.NO_PATH)
    if _ADDRESS.match(path):
        raise UnreadableError(Reason.ADDRESS)
    try:
        file = (root / path).resolve()
        if not file.is_relative_to(root):
            raise UnreadableError(Reason.OUTSIDE_ROOT)
        # A pipe or a device would be waited for, perhaps forever.
        if file.exists() and not file.is_file():
            raise UnreadableError(Reason.NOT_A_FILE)
    except PermissionError:
        raise UnreadableError(Reason.NOT_READABLE) from None
    except (OSError, RuntimeError, ValueError):  # a name too long, links in a circle, half a letter
        raise UnreadableError(Reason.MISSING) from None
    return file
