"""Finds the reader for a file of embeddings, and reads arrays.

Files are read a batch at a time, so memory does not grow with them. Every row is checked before it
is handed on; the first wrong one stops the reading with its number.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fluffy_sql.errors import ImportFileError, MissingExtraError, UsageError
from fluffy_sql.operations.importing import batches
from fluffy_sql.operations.importing.csv_file import read_csv
from fluffy_sql.operations.importing.npy_file import read_npy


def read_batches(file: Path, paths: Path | None) -> Iterator[batches.Batch]:
    """The rows of a file of embeddings, in its order; no batch if it has no row.

    Arguments and errors are those of `import_photos`; what is wrong with a row is raised only
    while the batches are read.
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


def read_array(paths: Sequence[str], embeddings: NDArray[Any]) -> Iterator[batches.Batch]:
    """The rows of an array of shape (photos, dimensions), with the path of each.

    Raises:
        ImportFileError: there are not as many of one as of the other, or a row is wrong.
    """
    batches.check_array(embeddings, "embeddings")
    if len(paths) != len(embeddings):
        raise ImportFileError(f"there are {len(paths):,} paths but {len(embeddings):,} embeddings")
    for start in range(0, len(paths), batches.ROWS_PER_BATCH):
        batch = list(paths[start : start + batches.ROWS_PER_BATCH])
        numbers = range(start + 1, start + 1 + len(batch))
        for number, path in zip(numbers, batch, strict=True):
            batches.check_path(path, batches.place("paths", number))
        yield batches.Batch(
            first_row=start + 1,
            lines=[None] * len(batch),
            paths=batch,
            vectors=batches.as_float32(
                embeddings[start : start + batches.ROWS_PER_BATCH],
                [batches.place("embeddings", number) for number in numbers],
            ),
        )


def _read_parquet(file: Path) -> Iterator[batches.Batch]:
    try:
        from fluffy_sql.operations.importing.parquet_file import read_parquet  # noqa: PLC0415 - optional
    except ImportError:
        raise MissingExtraError(
            f'{file}: reading .parquet needs pyarrow; run: pip install "fluffy_sql[parquet]"'
        ) from None
    return read_parquet(file)


def _check_file(file: Path) -> None:
    with batches.reading(file):
        if not file.exists():
            raise ImportFileError(f"{file}: there is no such file")
        if not file.is_file():
            raise ImportFileError(f"{file}: is not a file")
        if not file.stat().st_size:
            raise ImportFileError(f"{file}: is empty")
