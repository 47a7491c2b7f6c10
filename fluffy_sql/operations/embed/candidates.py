"""Which photos have to be embedded: those that are new, changed, or without an embedding."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeAlias, TypeVar

from fluffy_sql.embedding.files import (
    PhotoFile,
    Reason,
    UnreadableError,
    find_photos,
    locate,
    look_at,
)
from fluffy_sql.postgres.session import Session

Item = TypeVar("Item")
_Digest: TypeAlias = bytes

# Photos that the database is asked about at once.
PHOTOS_AT_ONCE = 512
# How many photos that can't be embedded are named; the others are only counted.
MOST_LISTED = 100


@dataclass(frozen=True)
class Known:
    """What the database knows of a photo, and of its file when that was last read.

    Attributes:
        embedded: whether it has an embedding.
        bytes, modified, hash: of its file; None: it was not read yet.
        reason: why it has no embedding.
    """

    photo_id: int
    path: str
    embedded: bool
    bytes: int | None
    modified: float | None
    hash: _Digest | None
    reason: str | None


@dataclass(frozen=True)
class Candidate:
    """A photo that may have to be embedded, and what is known of it; None: it is new."""

    file: PhotoFile
    known: Known | None

    @property
    def is_changed(self) -> bool:
        """Whether it was embedded, and its file was written since."""
        return self.known is not None and self.known.embedded and self.known.bytes is not None


@dataclass(frozen=True)
class Place:
    """Where photos lie.

    Attributes:
        root: the folder that their paths are relative to.
        folder: where they are looked for; None: those that the database has.
    """

    root: Path
    folder: Path | None

    @property
    def beginning(self) -> str:
        """Of the paths of photos in the folder."""
        if self.folder in {None, self.root}:
            return ""
        assert self.folder is not None  # noqa: S101 - for mypy
        return f"{self.folder.relative_to(self.root).as_posix()}/"


@dataclass(frozen=True)
class Unreadable:
    """A photo that can't be embedded, and why."""

    path: str
    reason: str


@dataclass
class Tally:
    """What was seen, in numbers.

    Attributes:
        found: photos that were looked at.
        unchanged: photos whose embedding stands.
        unreadable: photos that can't be embedded, by reason.
        listed: the first of them.
        left_out: what is no photo of the library, by reason.
    """

    found: int = 0
    unchanged: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)
    listed: list[Unreadable] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def refuse(self, path: str, reason: str) -> None:
        """Counts a photo that can't be embedded, and lists it."""
        self.unreadable[reason] += 1
        if len(self.listed) < MOST_LISTED:
            self.listed.append(Unreadable(path, reason))


def find_candidates(
    session: Session, place: Place, tally: Tally, *, replacing: bool
) -> Iterator[Candidate]:
    """The photos that have to be embedded, always in the same order; memory is bounded.

    Args:
        session: where photos are.
        place: where their files are.
        tally: counts all, those that need nothing, too.
        replacing: all photos need a new embedding, and have it in photo_replacements.
    """
    for page in _pages(session, place, tally, replacing=replacing):
        done = _read_before(session, page) if replacing else None
        for candidate in page:
            tally.found += 1
            before = candidate.known if done is None else done.get(candidate.file.path)
            if before is None or not _stands(candidate.file, before):
                yield candidate
            elif before.reason:
                tally.refuse(candidate.file.path, before.reason)
            else:
                tally.unchanged += 1


def find_missing(session: Session, place: Place) -> Iterator[tuple[int, list[Known]]]:
    """How many photos have a file that was read before, and those whose file is gone; in pages."""
    for page in _by_id(session, "embed/list_known", beginning=place.beginning):
        yield len(page), [known for known in page if _is_gone(place.root, known.path)]


def _is_gone(root: Path, path: str) -> bool:
    try:
        locate(root, path).stat()
    except UnreadableError as error:
        return error.reason is Reason.MISSING
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # who can't look can't tell
        return False
    return False


def _stands(file: PhotoFile, before: Known) -> bool:
    """Whether what was made of a file needs not be made again."""
    if before.bytes is None:
        return before.embedded
    if (before.bytes, before.modified) != (file.bytes, file.modified):
        return False
    # What may not be read now may be allowed without a change of the file.
    return before.embedded or before.reason not in {None, Reason.NOT_READABLE.words}


def _pages(
    session: Session, place: Place, tally: Tally, *, replacing: bool
) -> Iterator[list[Candidate]]:
    if place.folder is not None:
        for files in in_groups(
            find_photos(place.root, place.folder, tally.left_out), PHOTOS_AT_ONCE
        ):
            known = _ask(session, "embed/find_photos", [file.path for file in files])
            candidates = [Candidate(file, known.get(file.path)) for file in files]
            # When replacing, those that are known come below, wherever they lie.
            yield [one for one in candidates if not (replacing and one.known)]
    if place.folder is None or replacing:
        for page in _by_id(session, "embed/list_photos", of_all=replacing):
            yield list(_look_at_all(page, place.root, tally))


def _look_at_all(page: Iterable[Known], root: Path, tally: Tally) -> Iterator[Candidate]:
    for known in page:
        try:
            yield Candidate(look_at(known.path, locate(root, known.path)), known)
        except UnreadableError as error:
            # One whose file is known is told as missing.
            if known.bytes is None:
                tally.found += 1
                tally.refuse(known.path, error.reason.words)
            elif error.reason is Reason.NOT_READABLE:
                tally.left_out[error.reason.words] += 1


def _read_before(session: Session, page: Iterable[Candidate]) -> dict[str, Known]:
    return _ask(session, "embed/find_replacements", [one.file.path for one in page])


def _ask(session: Session, statement: str, paths: Sequence[str]) -> dict[str, Known]:
    """What is known, by path. If several photos have one, it is one without an embedding."""
    found: dict[str, Known] = {}
    for row in session.fetch_as(Known, statement, paths=paths):
        if row.path not in found or not row.embedded:
            found[row.path] = row
    return found


def _by_id(session: Session, statement: str, **parameters: object) -> Iterator[list[Known]]:
    after = -(2**63)
    while page := session.fetch_as(
        Known, statement, after_id=after, photos=PHOTOS_AT_ONCE, **parameters
    ):
        yield page
        after = page[-1].photo_id


def in_groups(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Items in groups of `size`; the last one may be smaller."""
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group
