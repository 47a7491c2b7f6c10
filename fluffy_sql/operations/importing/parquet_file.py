"""Reads `.parquet` files. The only module that needs pyarrow, an optional part of the package."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fluffy_sql.errors import ImportFileError
from fluffy_sql.operations.importing import batches


def read_parquet(file: Path) -> Iterator[batches.Batch]:
    """The rows of a file with the columns `path` and `embedding`."""
    try:
        # Mapped, so that pages are read as they are wanted, not a row group (often all) at once,
        # and so that no memory is set aside for a page that claims to have gigabytes.
        with pq.ParquetFile(file, memory_map=True, pre_buffer=False) as opened:
            _check_schema(opened.schema_arrow, file)
            records = opened.iter_batches(batches.ROWS_PER_BATCH, columns=["path", "embedding"])
            yield from _batches_of_records(records, file)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ImportFileError(
            f"{file}: can't be read as parquet: {batches.one_line(error)}; write it again"
        ) from None


def _check_schema(schema: pa.Schema, file: Path) -> None:
    path, embedding = (
        schema.field(batches.column_position(column, schema.names, file)).type
        for column in ("path", "embedding")
    )
    if not (pa.types.is_string(path) or pa.types.is_large_string(path)):
        raise ImportFileError(f"{file}: the column path is {path}; allowed: string")
    is_list = (
        pa.types.is_list(embedding)
        or pa.types.is_large_list(embedding)
        or pa.types.is_fixed_size_list(embedding)
    )
    if not is_list or not pa.types.is_floating(embedding.value_type):
        raise ImportFileError(
            f"{file}: the column embedding is {embedding}; allowed: a list of float16, float32 or"
            " float64"
        )


def _batches_of_records(records: Iterable[pa.RecordBatch], file: Path) -> Iterator[batches.Batch]:
    first_row, dimensions = 1, None
    for record in records:
        paths = record.column("path").to_pylist()
        embeddings = record.column("embedding")
        places = [batches.place(file, row) for row in range(first_row, first_row + len(paths))]
        lengths = pc.list_value_length(embeddings).to_pylist()
        for path, length, where in zip(paths, lengths, places, strict=True):
            batches.check_path(path, where)
            if length is None:
                raise ImportFileError(f"{where}: the embedding is missing")
            dimensions = batches.check_dimensions(length, dimensions, where)
        # A null among the numbers becomes NaN here.
        numbers = embeddings.flatten().to_numpy(zero_copy_only=False)
        yield batches.Batch(
            first_row=first_row,
            lines=[None] * len(paths),
            paths=paths,
            vectors=batches.as_float32(numbers.reshape(len(paths), -1), places),
        )
        first_row += len(paths)
