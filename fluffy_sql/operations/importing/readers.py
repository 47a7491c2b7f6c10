"""Finds the reader for a file of embeddings, and reads arrays.

Files are read a batch at a time, so memory does not grow with them. Every row is checked before it
is handed on; the first wrong one stops the reading with its number.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fluffy_sql.errors import ImportFileError, MissingExtraError, UsageError
from fluffy_sql.operations.importing import batches
from fluffy_sql.operations.importing.csv_file import read_csv
from fluffy_sql.operations.importing.npy_file import read_npy
from fluffy_sql.operations.importing.source import KINDS, Source, reading
from fluffy_sql.words import count

STDIN = Path("-")


@dataclass(frozen=True)
class EmbeddingFile:
    """Embeddings, and the paths that go with them if they are not in the same file."""

    source: Source
    paths: Source | None

    @property
    def named(self) -> Source:
        """Where the paths are, for messages."""
        return self.paths or self.source

    def batches(self) -> Iterator[batches.Batch]:
        """The rows in their order; no batch if there is no row.

        Raises:
            MissingExtraError: it is parquet, and pyarrow is not installed.
            ImportFileError: a file can't be read, or one of its rows is wrong; the message names
                it.
        """
        if self.paths is not None:
            return read_npy(self.source, self.paths)
        return read_csv(self.source) if self.source.kind == "csv" else _read_parquet(self.source)


def find_file(file: Path, paths: Path | None = None, kind: str | None = None) -> EmbeddingFile:
    """Finds what is to be read, and reads nothing of it.

    Args:
        file: an `.npy` array of shape (rows, dimensions), or a `.csv` or `.parquet` file with the
            columns `path` and `embedding`; `-` for stdin.
        paths: for `.npy`, the CSV with the column `path`; row i of one is row i of the other.
        kind: what `file` is; None: as its name says.

    Raises:
        ImportFileError: a file is not there.
        UsageError: `paths` is missing for `.npy`, or given for another kind, or nothing says the
            kind.
    """
    for named in (file, paths):
        if named is not None and named != STDIN:
            _require_file(named)
    if file == paths == STDIN:
        raise UsageError("embeddings and paths can't both come from stdin: name a file for one")
    kind = kind or file.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        called = "stdin" if file == STDIN else file
        raise UsageError(f"{called}: what it holds is not known; add --format npy, csv or parquet")
    source = _open_source(file, kind)
    if kind == "npy" and paths is None:
        raise UsageError(
            f"{source} holds no paths; add --paths with a CSV that has the column path"
        )
    if kind != "npy" and paths is not None:
        raise UsageError(f"{source} holds its own paths; --paths goes with an .npy file only")
    return EmbeddingFile(source, None if paths is None else _open_source(paths, "csv"))


def read_array(paths: Sequence[str], embeddings: NDArray[Any]) -> Iterator[batches.Batch]:
    """The rows of an array of shape (photos, dimensions), with the path of each.

    Raises:
        ImportFileError: there are not as many of one as of the other, or a row is wrong.
    """
    batches.check_array(embeddings, "embeddings")
    if len(paths) != len(embeddings):
        raise ImportFileError(
            f"there are {count(len(paths), 'path')} but {count(len(embeddings), 'embedding')}"
        )
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
                [
                    batches.place("embeddings", number, path=path)
                    for number, path in zip(numbers, batch, strict=True)
                ],
            ),
        )


def _read_parquet(source: Source) -> Iterator[batches.Batch]:
    try:
        from fluffy_sql.operations.importing.parquet_file import read_parquet  # noqa: PLC0415 - optional
    except ImportError:
        raise MissingExtraError(
            f'{source}: reading .parquet needs pyarrow; run: pip install "fluffy_sql[parquet]"'
        ) from None
    return read_parquet(source)


def _open_source(file: Path, kind: str) -> Source:
    if file != STDIN:
        return Source(file, kind)
    with reading("stdin"):
        return Source(file, kind, open(0, "rb", closefd=False))


def _require_file(file: Path) -> None:
    with reading(file):
        if not file.exists():
            raise ImportFileError(f"{file}: there is no such file")
        if file.is_dir():
            raise ImportFileError(f"{file}: is a folder; name the file in it")
