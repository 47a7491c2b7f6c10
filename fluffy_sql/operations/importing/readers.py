"""Finds the reader for a file of embeddings.

Files are read a batch at a time, so memory does not grow with them. Every row is checked before it
is handed on; the first wrong one stops the reading with its number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluffy_sql.errors import ImportFileError, MissingExtraError, UsageError
from fluffy_sql.operations.importing.batches import reading
from fluffy_sql.operations.importing.csv_file import read_csv
from fluffy_sql.operations.importing.npy_file import read_npy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fluffy_sql.operations.importing.batches import Batch


def read_batches(file: Path, paths: Path | None) -> Iterator[Batch]:
    """The rows of a file of embeddings, in its order; no batch where it has no row.

    Args:
        file: an `.npy` array of shape (rows, dimensions), or a `.csv` or `.parquet` file with the
            columns `path` and `embedding`.
        paths: for `.npy`, the CSV with the column `path`; row i of one is row i of the other.

    Raises:
        UsageError: `paths` is missing for `.npy`, or given for another kind.
        ImportFileError: a file can't be read or one of its rows is wrong; some of it is raised only
            while the batches are read.
        MissingExtraError: a `.parquet` file, and pyarrow is not installed.
    """
    kind = file.suffix.lower()
    if kind not in {".npy", ".csv", ".parquet"}:
        raise ImportFileError(
            f"{file}: files named {file.suffix or 'without a suffix'} can't be imported;"
            " allowed: .npy, .csv, .parquet"
        )
    if kind == ".npy" and paths is None:
        raise UsageError(f"{file} holds no paths; add --paths with a CSV that has the column path")
    if kind != ".npy" and paths is not None:
        raise UsageError(f"{file} holds its own paths; --paths goes with an .npy file only")
    _check_file(file)
    if paths is not None:
        _check_file(paths)
        return read_npy(file, paths)
    return read_csv(file) if kind == ".csv" else _read_parquet(file)


def _read_parquet(file: Path) -> Iterator[Batch]:
    try:
        from fluffy_sql.operations.importing.parquet_file import read_parquet  # noqa: PLC0415 - optional
    except ImportError:
        raise MissingExtraError(
            f'{file}: reading .parquet needs pyarrow; run: pip install "fluffy_sql[parquet]"'
        ) from None
    return read_parquet(file)


def _check_file(file: Path) -> None:
    with reading(file):
        if not file.exists():
            raise ImportFileError(f"{file}: there is no such file")
        if not file.is_file():
            raise ImportFileError(f"{file}: is not a file")
        if not file.stat().st_size:
            raise ImportFileError(f"{file}: is empty")
