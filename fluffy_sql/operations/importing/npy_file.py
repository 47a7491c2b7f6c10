"""Reads `.npy` files, whose paths are in a CSV beside them."""

import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.errors import ImportFileError
from fluffy_sql.operations.importing import batches
from fluffy_sql.operations.importing.csv_file import csv_rows


def read_npy(file: Path, paths: Path) -> Iterator[batches.Batch]:
    """The rows of an array of shape (rows, dimensions), with the column `path` of a CSV."""
    vectors_in_file = len(_map_npy(file))
    path_rows = csv_rows(paths, ("path",))
    paths_in_file = 0
    for start in range(0, vectors_in_file, batches.ROWS_PER_BATCH):
        # Mapped again for each batch: pages count as this process's memory until they're unmapped.
        raw = _map_npy(file)[start : start + batches.ROWS_PER_BATCH]
        rows = list(islice(path_rows, len(raw)))
        paths_in_file += len(rows)
        if len(rows) < len(raw):
            break
        for row in rows:
            batches.check_path(row.values[0], batches.place(paths, row.number, row.line))
        yield batches.Batch(
            first_row=start + 1,
            lines=[row.line for row in rows],
            paths=[row.values[0] for row in rows],
            vectors=batches.as_float32(raw, [batches.place(file, row.number) for row in rows]),
        )
    paths_in_file += sum(1 for _ in path_rows)
    if paths_in_file != vectors_in_file:
        raise ImportFileError(
            f"{paths}: has {paths_in_file} rows but {file} has {vectors_in_file} vectors;"
            " row i of one must be row i of the other"
        )


def _map_npy(file: Path) -> NDArray[Any]:
    """The array as a mapping of the file, of shape (rows, dimensions)."""
    # NumPy may warn about the header it parses, which does not help the user.
    with batches.reading(file), warnings.catch_warnings(action="ignore"):
        try:
            # Never unpickles: an array of objects can't be mapped.
            array = np.lib.format.open_memmap(file, mode="r")
        except OSError:
            raise
        # Whatever stands in the header goes through Python's parser: a bad one raises all sorts.
        except Exception as error:  # noqa: BLE001
            raise ImportFileError(
                f"{file}: is not a complete .npy array of numbers: {batches.one_line(error)};"
                " write it with numpy.save"
            ) from None
        size = file.stat().st_size
    batches.check_array(array, str(file))
    promised = array.offset + array.nbytes
    if size != promised:
        raise ImportFileError(
            f"{file}: has {size} bytes but its header promises {promised}; write it again"
        )
    return array
