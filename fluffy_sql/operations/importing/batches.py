"""Batches of rows, and what every row must be, whatever kind of file it comes from."""

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.errors import ImportFileError
from fluffy_sql.postgres.vectors import LONGEST_VECTOR

# Keeps a batch of the longest vectors below 64 MB, and is enough to make calls per batch cheap.
ROWS_PER_BATCH = 512


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


def place(file: Path | str, row: int, line: int | None = None) -> str:
    """Where a row is, for messages."""
    return f"{file}, row {row}" + (f" (line {line})" if line is not None else "")


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Turns the operating system's errors into ours."""
    try:
        yield
    except OSError as error:
        raise ImportFileError(f"{file}: can't be read: {error.strerror or error}") from None


def column_position(column: str, columns: Sequence[str], file: Path) -> int:
    """Where a column is among those that a file has."""
    if column not in columns:
        # If the file is something else, the first line may be long and hold anything.
        found = textwrap.shorten(", ".join(columns), 200, placeholder=" ...")
        raise ImportFileError(f"{file}: has no column {column}; it has: {found}")
    if columns.count(column) > 1:
        raise ImportFileError(f"{file}: has the column {column} twice; keep one")
    return columns.index(column)


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
            f"{where}: the embedding has {found:,} numbers but that of row 1 has {expected:,}"
        )
    if not 1 <= found <= LONGEST_VECTOR:
        raise ImportFileError(
            f"{where}: has {found:,} dimensions; allowed: 1 to {LONGEST_VECTOR:,}"
        )
    return found


def as_float32(raw: NDArray[Any], places: Sequence[str]) -> NDArray[np.float32]:
    """Converts numbers of shape (rows, dimensions); refuses any that is not finite as float32."""
    with np.errstate(all="ignore"):
        vectors = np.array(raw, dtype=np.float32, order="C")
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
    if array.dtype.kind != "f" or array.dtype.itemsize > np.dtype(np.float64).itemsize:
        raise ImportFileError(f"{where}: holds {array.dtype}; allowed: float16, float32, float64")
    if array.ndim != 2:  # noqa: PLR2004
        raise ImportFileError(
            f"{where}: has the shape {array.shape}; allowed: (photos, dimensions)"
        )
    check_dimensions(array.shape[1], None, where)


def one_line(error: BaseException) -> str:
    """The message of another library's error."""
    return " ".join(str(error).split()) or type(error).__name__
