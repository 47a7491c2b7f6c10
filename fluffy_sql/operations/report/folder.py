"""Writes a folder whole, a report or an export: what was there before stays until it is written."""

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fluffy_sql.errors import ReportError, UsageError

INDEX = "index.html"
SHEETS = "clusters"
# Written into every page, and looked for before a folder is replaced.
GENERATOR = '<meta name="generator" content="fluffy-sql report">'

_NEAR_THE_TOP = 2_000
# What a file manager leaves behind in a folder that was looked at.
_LEFT_BY_LOOKING = {".DS_Store", "Thumbs.db", "desktop.ini"}


def _foreign(folder: Path) -> str | None:
    """The name of something that no report wrote."""
    ours = {*_LEFT_BY_LOOKING}
    if _is_report(folder / INDEX):
        ours.add(INDEX)
        if (folder / SHEETS).is_dir():
            ours.add(SHEETS)
            for sheet in sorted((folder / SHEETS).iterdir()):
                is_sheet = sheet.suffix == ".png" and sheet.stem.removeprefix("-").isdecimal()
                if not is_sheet and sheet.name not in _LEFT_BY_LOOKING:
                    return f"{SHEETS}/{sheet.name}"
    return min({entry.name for entry in folder.iterdir()} - ours, default=None)


@contextmanager
def replaced_whole(
    out: Path, find_foreign: Callable[[Path], str | None] = _foreign, what: str = "report"
) -> Iterator[Path]:
    """Lends out an empty folder that takes the place of `out` at the end.

    Args:
        out: the folder of the report; resolved. It may hold an earlier one, which stays as it is
            if anything goes wrong.
        find_foreign: the name of something in it that is of no earlier one.
        what: is written.

    Raises:
        UsageError: `out` holds something else than an earlier one.
        ReportError: a folder or file can't be written.
    """
    require_replaceable(out, find_foreign, what)
    mark = secrets.token_hex(4)
    new, old = (out.with_name(f".{out.name}.{what}-{mark}") for what in ("new", "old"))
    try:
        new.mkdir(parents=True)
        yield new
        require_replaceable(out, find_foreign, what)
        _exchange(out, new, old)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ReportError(f"{out}: the {what} can't be written: {reason}") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _exchange(out: Path, new: Path, old: Path) -> None:
    if not out.exists():
        new.rename(out)
        return
    out.rename(old)
    try:
        new.rename(out)
    except BaseException:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def require_replaceable(
    out: Path, find_foreign: Callable[[Path], str | None] = _foreign, what: str = "report"
) -> None:
    """Makes sure that nothing is lost by writing a report to a folder.

    Raises:
        UsageError: it holds something else than an earlier one, or is no folder.
        ReportError: one can't look into it.
    """
    try:
        if not out.exists():
            return
        if not out.is_dir():
            raise UsageError(f"--out: {out} is a file; name a folder")
        foreign = find_foreign(out)
    except OSError as error:
        raise ReportError(f"{out}: can't be looked into: {error.strerror}") from error
    if foreign is not None:
        raise UsageError(
            f"--out: {out} holds other things than an earlier {what} ({foreign});"
            " name another folder"
        )


def _is_report(index: Path) -> bool:
    if not index.is_file():
        return False
    with index.open(encoding="utf-8", errors="replace") as file:
        return GENERATOR in file.read(_NEAR_THE_TOP)
