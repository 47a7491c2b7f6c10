"""Loads embeddings into `photos`, all of them or none."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.errors import DatabaseError, ImportFileError, LibraryError
from fluffy_sql.operations.importing.batches import Batch, place
from fluffy_sql.operations.importing.readers import EmbeddingFile, read_array
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.sources import refuse_attached
from fluffy_sql.runs.survey import count_lengths
from fluffy_sql.words import count

_STAGE_TYPES = ("int8", "int8", "text", "vector")

_UNIQUE_VIOLATION = "23505"
_INTEGRITY_VIOLATION = "23"  # the class of all broken constraints


@dataclass(frozen=True)
class ImportResult:
    """What an import did.

    Attributes:
        file: the file of embeddings, `-` for stdin; None: they came as an array.
        rows_read: rows of it; the three counts below add up to it.
        photos_added: rows whose path was new.
        photos_updated: rows whose photo was known, with another embedding or none.
        photos_unchanged: rows whose photo held just that embedding.
        dimensions: length of the embeddings; None if there is no row.
        seconds: time taken.
    """

    file: Path | None
    rows_read: int
    photos_added: int
    photos_updated: int
    photos_unchanged: int
    dimensions: int | None
    seconds: float


def import_photos(
    session: Session,
    embeddings: EmbeddingFile,
    progress: Callable[[int], None] | None = None,
    *,
    force: bool = False,
) -> ImportResult:
    """Adds the photos of a file and renews the embeddings of those known by their path.

    All rows are loaded in one transaction, or none. An import waits for another to end.

    Args:
        session: on a database that has the table `photos`.
        embeddings: found by `find_file`.
        progress: called with the number of rows read so far, now and then. Photos change only
            after the last row is read.
        force: also if other photos have embeddings of another length.

    Raises:
        MissingExtraError: a `.parquet` file, and pyarrow is not installed.
        ImportFileError: a file can't be read, or one of its rows is wrong; the message names it.
        LibraryError: other photos have embeddings of another length, or the library is attached.
        DatabaseError: Postgres refuses the rows, such as embeddings of a length that the column
            was not made for.
    """
    source = embeddings.source
    staging = _Staging(embeddings.batches(), str(source), embeddings.named, progress)
    return _load(session, staging, source.file, force=force)


def import_array(
    session: Session, paths: Sequence[str], embeddings: NDArray[Any], *, force: bool = False
) -> ImportResult:
    """The same, of embeddings that are in memory.

    Args:
        session: on a database that has the table `photos`.
        paths: of the photos.
        embeddings: shape (photos, dimensions), of floats or whole numbers.
        force: also if other photos have embeddings of another length.

    Raises:
        ImportFileError: a row is wrong; the message names it.
        LibraryError: other photos have embeddings of another length.
        DatabaseError: Postgres refuses the rows.
    """
    staging = _Staging(read_array(paths, embeddings), "embeddings", "paths")
    return _load(session, staging, None, force=force)


def _load(session: Session, staging: "_Staging", file: Path | None, *, force: bool) -> ImportResult:
    refuse_attached(session)
    started = time.perf_counter()
    outcome = "nothing was imported"
    try:
        with session.transaction():
            session.execute("import/create_stage")
            session.copy_in("import/copy_into_stage", _STAGE_TYPES, staging.rows())
            session.execute("import/analyze_stage")
            _refuse_repeated_path(session, staging.named)
            session.execute("import/lock")
            _refuse_ambiguous_path(session, staging.named)
            session.execute("import/forget_files")
            updated = session.execute("import/update_photos")
            added = insert_photos(session)
            if not force:
                _refuse_other_length(session, staging)
            outcome = "whether anything was imported is not known, and importing twice does no harm"
    except DatabaseError as error:
        if not session.broken:
            raise
        told = str(error).replace("run again", "import again")
        raise DatabaseError(f"{outcome}: {told}", error.sqlstate) from error
    return ImportResult(
        file=file,
        rows_read=staging.rows_read,
        photos_added=added,
        photos_updated=updated,
        photos_unchanged=staging.rows_read - added - updated,
        dimensions=staging.dimensions,
        seconds=time.perf_counter() - started,
    )


@dataclass
class _Staging:
    """The rows of batches as the stage takes them, and what was seen of them.

    `source` is what messages call the embeddings, and `named` the paths.
    """

    batches: Iterator[Batch]
    source: str
    named: object
    progress: Callable[[int], None] | None = None
    rows_read: int = 0
    dimensions: int | None = None

    def rows(self) -> Iterator[tuple[int, int | None, str, NDArray[np.float32]]]:
        """Number, line, path and embedding of each row."""
        for batch in self.batches:
            numbers = range(batch.first_row, batch.first_row + len(batch.paths))
            yield from zip(numbers, batch.lines, batch.paths, batch.vectors, strict=True)
            self.rows_read = numbers[-1]
            self.dimensions = batch.vectors.shape[1]
            if self.progress is not None:
                self.progress(self.rows_read)


def _refuse_other_length(session: Session, staging: _Staging) -> None:
    """Refuses embeddings that can't be compared with those of other photos; a look at a few."""
    own = staging.dimensions
    if own is None or not session.fetch_all("import/find_other_length", dimensions=own):
        return
    others = ", ".join(
        f"of {count(photos, 'other photo')} {length:,}"
        for length, photos in count_lengths(session)
        if length != own
    )
    raise LibraryError(
        f"{staging.source}: the embeddings have {own:,} numbers, those {others};"
        " embed all photos with one model, or add --force"
    )


def _refuse_repeated_path(session: Session, file: object) -> None:
    for row in session.fetch_all("import/find_repeated_path"):
        raise ImportFileError(
            f"{place(file, row['row_number'], row['line_number'])}: the path {row['photo_path']!r}"
            f" is in row {row['earlier_row']} already; keep one of them"
        )


def _refuse_ambiguous_path(session: Session, file: object) -> None:
    for row in session.fetch_all("import/find_ambiguous_path"):
        raise ImportFileError(
            f"{place(file, row['row_number'], row['line_number'])}: {row['photos']} photos in the"
            f" database have the path {row['photo_path']!r}; give each its own path"
        )


def insert_photos(session: Session) -> int:
    """Adds those of the staged photos whose path is new; returns how many."""
    try:
        return session.execute("import/insert_photos")
    except DatabaseError as error:
        if error.sqlstate == _UNIQUE_VIOLATION:
            advice = "if another program added the photo meanwhile, run again"
        elif (error.sqlstate or "").startswith(_INTEGRITY_VIOLATION):
            advice = "insert such photos with the application that owns the table, then import"
        else:
            raise
        raise DatabaseError(f"{error}; {advice}", error.sqlstate) from error
