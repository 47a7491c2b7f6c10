"""Batches of rows, and what every row must be, whatever kind of file it comes from."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.errors import ImportFileError
from fluffy_sql.postgres.vectors import LONGEST_VECTOR

# Keeps a batch of the longest vectors below 64 MB, and is enough to make calls per batch cheap.
ROWS_PER_BATCH = 512
# How much of a path a message shows.
_LONGEST_NAMED = 200


@dataclass(frozen=True)
class Batch:
    """Consecutive rows of a file.

    Attributes:
        first_row: number of the first of them; the first data row of a file is 1.
        lines: the line of the CSV each row begins on; None each if rows have no lines.
        paths: one path a row, never empty.
        vectors: finite numbers of shape (rows, dimensions).
    """

    first_row: int
    lines: Sequence[int | None]
    paths: Sequence[str]
    vectors: NDArray[np.float32]


def place(file: object, row: int, line: int | None = None, path: str | None = None) -> str:
    """Where a row is, for messages."""
    known = [f"line {line}"] if line is not None else []
    if path is not None:
        known.append(repr(path if len(path) <= _LONGEST_NAMED else f"{path[:_LONGEST_NAMED]}..."))
    return f"{file}, row {row}" + (f" ({', '.join(known)})" if known else "")


def column_position(column: str, columns: Sequence[str], file: object) -> int:
    """Where a column is among those that a file has."""
    if column not in columns:
        raise ImportFileError(f"{file}: {_explain_missing(column, columns)}")
    if columns.count(column) > 1:
        raise ImportFileError(f"{file}: has the column {column} twice; keep one")
    return columns.index(column)


def _explain_missing(column: str, columns: Sequence[str]) -> str:
    """What stands in place of a column, above all what can't be seen."""
    for name in columns:
        if name.strip() == column:
            return f"the name of the column {name!r} has a blank around it; remove that"
        if "".join(filter(str.isalnum, name)).lower() == column:
            return f"the name of the column is {name!r}; change it to {column!r}"
    if separator := find_separator(columns, lambda names: column in names):
        return separator
    # If the file is something else, the first line may be long and hold anything.
    found = textwrap.shorten(", ".join(columns), 200, placeholder=" ...")
    return f"has no column {column}; it has: {found}"


def find_separator(fields: Sequence[str], fits: Callable[[list[str]], bool]) -> str | None:
    """What to say of fields that are separated by something else than commas, if they are."""
    for separator, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")):
        names = [name.strip(' "') for name in ",".join(fields).split(separator)]
        if len(names) > 1 and fits(names):
            return f"its fields are separated by {name}; separate them by commas"
    return None


def check_path(path: str | None, where: str) -> None:
    """Refuses a path that names nothing or that Postgres can't store."""
    if path is None or not path.strip():
        raise ImportFileError(f"{where}: the path is {'missing' if path is None else 'empty'}")
    if "\0" in path:
        raise ImportFileError(
            f"{where}: the path holds a NUL character, which Postgres can't store"
        )


def check_dimensions(found: int, expected: int | None, where: str) -> int:
    """Refuses a length that no vector has, or another than that of row 1, if there is one.

    Returns:
        What to expect of the next row.
    """
    if expected is not None and found != expected:
        raise ImportFileError(
            f"{where}: the embedding has {found:,} numbers but that of row 1 has {expected:,};"
            " embed all photos with one model"
        )
    if not 1 <= found <= LONGEST_VECTOR:
        raise ImportFileError(
            f"{where}: has {found:,} dimensions; allowed: 1 to {LONGEST_VECTOR:,}"
        )
    return found


def as_float32(raw: NDArray[Any], places: Sequence[str]) -> NDArray[np.float32]:
    """Converts numbers of shape (rows, dimensions).

    Refuses any that is not finite as float32, and whole numbers that float32 can't hold.
    """
    with np.errstate(all="ignore"):
        vectors = np.array(raw, dtype=np.float32, order="C")
    if raw.dtype.kind in "iu" and not (exact := (vectors == raw).all(axis=1)).all():
        raise ImportFileError(
            f"{places[int(exact.argmin())]}: the embedding holds a whole number beyond those of"
            " float32"
        )
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        row = int(finite.argmin())
        what = (
            "a number beyond the range of float32"
            if np.isfinite(raw[row]).all()
            else "NaN, null or infinity"
        )
        raise ImportFileError(f"{places[row]}: the embedding holds {what}")
    return vectors


def check_array(array: NDArray[Any], where: str) -> None:
    """Refuses what is not made of a row of numbers for each photo."""
    if array.dtype.kind not in "fiu" or array.dtype.itemsize > np.dtype(np.float64).itemsize:
        raise ImportFileError(
            f"{where}: holds {array.dtype}; allowed: float16, float32, float64, whole numbers"
        )
    if array.ndim != 2:  # noqa: PLR2004
        raise ImportFileError(
            f"{where}: has the shape {array.shape}; allowed: (photos, dimensions)"
        )
    check_dimensions(array.shape[1], None, where)


def one_line(error: BaseException) -> str:
    """The message of another library's error."""
    return " ".join(str(error).split()) or type(error).__name__
