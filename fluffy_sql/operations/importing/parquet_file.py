"""Reads `.parquet` files. The only module that needs pyarrow, an optional part of the package."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fluffy_sql.errors import ImportFileError
from fluffy_sql.operations.importing import batches
from fluffy_sql.operations.importing.source import Source

_LISTS = (
    *(pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list),
    *(pa.types.is_list_view, pa.types.is_large_list_view),
)


def read_parquet(source: Source) -> Iterator[batches.Batch]:
    """The rows of a file with the columns `path` and `embedding`."""
    with source.as_file() as file:
        try:
            # Mapped, so that pages are read as they are wanted, not a row group (often all) at
            # once, and so that no memory is set aside for a page that claims to have gigabytes.
            with pq.ParquetFile(file, memory_map=True, pre_buffer=False) as opened:
                _check_schema(opened.schema_arrow, source)
                records = opened.iter_batches(batches.ROWS_PER_BATCH, columns=["path", "embedding"])
                yield from _batches_of_records(records, source)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise ImportFileError(
                f"{source}: can't be read as parquet: {batches.one_line(error)}; write it again"
            ) from None


def _check_schema(schema: pa.Schema, source: Source) -> None:
    path, embedding = (
        schema.field(batches.column_position(column, schema.names, source)).type
        for column in ("path", "embedding")
    )
    if not _is_text(path):
        raise ImportFileError(f"{source}: the column path is {path}; allowed: string")
    # A tensor of a fixed shape, for example, is stored as a list.
    stored = embedding.storage_type if isinstance(embedding, pa.BaseExtensionType) else embedding
    if not any(is_list(stored) for is_list in _LISTS) or not (
        pa.types.is_floating(stored.value_type) or pa.types.is_integer(stored.value_type)
    ):
        raise ImportFileError(
            f"{source}: the column embedding is {embedding}; allowed: a list of float16, float32,"
            " float64 or whole numbers"
        )


def _is_text(of: pa.DataType) -> bool:
    if pa.types.is_dictionary(of):
        return _is_text(of.value_type)
    return any(
        is_text(of)
        for is_text in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    )


def _batches_of_records(
    records: Iterable[pa.RecordBatch], source: Source
) -> Iterator[batches.Batch]:
    first_row, dimensions = 1, None
    for record in records:
        paths = record.column("path").to_pylist()
        embeddings = record.column("embedding")
        if isinstance(embeddings, pa.ExtensionArray):
            embeddings = embeddings.storage
        numbers = range(first_row, first_row + len(paths))
        places = [
            batches.place(source, row, path=path) for row, path in zip(numbers, paths, strict=True)
        ]
        lengths = pc.list_value_length(embeddings).to_pylist()
        for row, path, length, where in zip(numbers, paths, lengths, places, strict=True):
            batches.check_path(path, batches.place(source, row))
            if length is None:
                raise ImportFileError(f"{where}: the embedding is missing")
            dimensions = batches.check_dimensions(length, dimensions, where)
        # A null among the numbers becomes NaN here.
        values = embeddings.flatten().to_numpy(zero_copy_only=False)
        yield batches.Batch(
            first_row=first_row,
            lines=[None] * len(paths),
            paths=paths,
            vectors=batches.as_float32(values.reshape(len(paths), -1), places),
        )
        first_row += len(paths)
