"""Reads `.npy` files, whose paths are in a CSV beside them."""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.errors import ImportFileError
from fluffy_sql.operations.importing import batches
from fluffy_sql.operations.importing.csv_file import csv_rows
from fluffy_sql.operations.importing.source import Source

# Gives rows of the array, from the first of them to before the last; each is asked for once, in
# their order.
_Reader: TypeAlias = Callable[[int, int], NDArray[Any]]
# How a file begins that was not written for structured arrays, and the length of its header.
_VERSION_1 = b"\x93NUMPY\1\0"
_HEADER_LENGTH = 2


def read_npy(file: Source, paths: Source) -> Iterator[batches.Batch]:
    """The rows of an array of shape (rows, dimensions), with the column `path` of a CSV."""
    path_rows = csv_rows(paths, ("path",))
    paths_in_file = 0
    with ExitStack() as stack:
        vectors_in_file, read = _open_npy(file, stack)
        for start in range(0, vectors_in_file, batches.ROWS_PER_BATCH):
            raw = read(start, min(start + batches.ROWS_PER_BATCH, vectors_in_file))
            rows = list(islice(path_rows, len(raw)))
            paths_in_file += len(rows)
            if len(rows) < len(raw):
                break
            for row in rows:
                batches.check_path(row.values[0], batches.place(paths, row.number, row.line))
            places = [batches.place(file, row.number, path=row.values[0]) for row in rows]
            yield batches.Batch(
                first_row=start + 1,
                lines=[row.line for row in rows],
                paths=[row.values[0] for row in rows],
                vectors=batches.as_float32(raw, places),
            )
    paths_in_file += sum(1 for _ in path_rows)
    if paths_in_file != vectors_in_file:
        raise ImportFileError(
            f"{paths}: has {paths_in_file} rows but {file} has {vectors_in_file} vectors;"
            " row i of one must be row i of the other"
        )


def _open_npy(source: Source, stack: ExitStack) -> tuple[int, _Reader]:
    """How many rows there are, and what reads them; a stream by rows is not kept."""
    if source.streamed:
        stream = stack.enter_context(source.open())
        begun = stream.read(len(_VERSION_1) + _HEADER_LENGTH)
        if begun.startswith(_VERSION_1):
            begun += stream.read(int.from_bytes(begun[len(_VERSION_1) :], "little"))
            with _parsing(source):
                shape, by_columns, dtype = np.lib.format.read_array_header_1_0(
                    io.BytesIO(begun[len(_VERSION_1) :])
                )
                promised: NDArray[Any] = np.broadcast_to(np.zeros((), dtype), shape)
            batches.check_array(promised, str(source))
            if not by_columns:
                return len(promised), lambda start, end: _next_rows(
                    source, stream, promised[start:end], last=end == len(promised)
                )
        file = stack.enter_context(source.copied(stream, begun))
    else:
        file = stack.enter_context(source.as_file())
    # Mapped again for each batch: pages count as this process's memory until they're unmapped.
    return len(_map_npy(source, file)), lambda start, end: _map_npy(source, file)[start:end]


def _next_rows(
    source: Source, stream: io.BufferedReader, rows: NDArray[Any], *, last: bool
) -> NDArray[Any]:
    """The next rows of a stream, of the shape and type of those given."""
    found = stream.read(rows.size * rows.itemsize)
    if len(found) < rows.size * rows.itemsize:
        raise ImportFileError(
            f"{source}: ends before the last row that its header promises; look at the program"
            " that writes it"
        )
    if last and stream.read(1):
        raise ImportFileError(f"{source}: goes on after its last row; write a single array")
    return np.frombuffer(found, rows.dtype).reshape(rows.shape)


def _map_npy(source: Source, file: Path) -> NDArray[Any]:
    """The array as a mapping of the file, of shape (rows, dimensions)."""
    with _parsing(source):
        # Never unpickles: an array of objects can't be mapped.
        array = np.lib.format.open_memmap(file, mode="r")
    batches.check_array(array, str(source))
    promised, size = array.offset + array.nbytes, file.stat().st_size
    if size != promised:
        raise ImportFileError(
            f"{source}: has {size} bytes but its header promises {promised}; write it again"
        )
    return array


@contextmanager
def _parsing(source: Source) -> Iterator[None]:
    """Turns NumPy's errors into ours."""
    # NumPy may warn about the header it parses, which does not help the user.
    with warnings.catch_warnings(action="ignore"):
        try:
            yield
        except OSError:
            raise
        # Whatever stands in the header goes through Python's parser: a bad one raises all sorts.
        except Exception as error:  # noqa: BLE001
            raise ImportFileError(
                f"{source}: is not a complete .npy array of numbers: {batches.one_line(error)};"
                " write it with numpy.save"
            ) from None
