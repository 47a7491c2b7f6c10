"""Postgres's binary COPY format as NumPy record arrays: all rows in one operation, none in Python.

A file is a header, rows and a trailer. A row is its number of fields, and for each field its length
in bytes and its value, all of it big-endian. A vector is its dimensions, two unused bytes and its
numbers as float4. Where every vector has the same dimensions, every row has the same length, and
the rows are an array of records.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_HEADER = _SIGNATURE + bytes(8)  # no flags, no extension
_TRAILER = b"\xff\xff"  # a row of -1 fields

_VECTOR_HEADER_BYTES = 4
_PATH_DIGITS = 10

_Fields = list[tuple[str, str] | tuple[str, str, int]]

_ID: _Fields = [("id_bytes", ">i4"), ("id", ">i8")]
_LABEL = np.dtype([("fields", ">i2"), *_ID, ("label_bytes", ">i4"), ("label", ">i8")])


def build_photos(ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> bytes:
    """Photos as COPY takes them: id, path, embedding. The path is the id with leading zeros."""
    dimensions = vectors.shape[1]
    path: _Fields = [("path_bytes", ">i4"), ("path", f"S{_PATH_DIGITS}")]
    row = np.dtype([("fields", ">i2"), *_ID, *path, *_embedding(dimensions)])
    rows = np.zeros(len(ids), dtype=row)
    rows["fields"] = 3
    rows["id_bytes"] = 8
    rows["id"] = ids
    rows["path_bytes"] = _PATH_DIGITS
    rows["path"] = np.char.zfill(ids.astype(f"S{_PATH_DIGITS}"), _PATH_DIGITS)
    rows["embedding_bytes"] = _VECTOR_HEADER_BYTES + 4 * dimensions
    rows["dimensions"] = dimensions
    rows["embedding"] = vectors
    return _HEADER + rows.tobytes() + _TRAILER


def build_labels(ids: NDArray[np.int64], labels: NDArray[np.int64]) -> bytes:
    """Labels as COPY takes them: two columns of bigint."""
    rows = np.zeros(len(ids), dtype=_LABEL)
    rows["fields"] = 2
    rows["id_bytes"] = 8
    rows["id"] = ids
    rows["label_bytes"] = 8
    rows["label"] = labels
    return _HEADER + rows.tobytes() + _TRAILER


def parse_photos(copied: bytes | bytearray) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Reads what COPY gives for a bigint and a vector: ids, and embeddings of shape (rows, dims).

    Raises:
        ValueError: this is no such file, or its vectors are not all of the same dimensions.
    """
    if not copied.startswith(_SIGNATURE) or not copied.endswith(_TRAILER):
        raise ValueError("this is not a whole file in the binary format of COPY")
    size = len(copied) - len(_HEADER) - len(_TRAILER)
    if not size:
        return np.empty(0, np.int64), np.empty((0, 0), np.float32)
    row = _exported_row(_dimensions_of_first(copied))
    if size % row.itemsize:
        raise ValueError("the rows of this file are not all of the same length")
    rows: NDArray[Any] = np.frombuffer(copied, row, count=size // row.itemsize, offset=len(_HEADER))
    if (rows["fields"] != 2).any() or (rows["dimensions"] != rows["dimensions"][0]).any():  # noqa: PLR2004 - id, embedding
        raise ValueError("the rows of this file are not all an id and a vector of the same length")
    return rows["id"].astype(np.int64), rows["embedding"].astype(np.float32)


def _dimensions_of_first(copied: bytes | bytearray) -> int:
    first = np.frombuffer(copied, _exported_row(0), count=1, offset=len(_HEADER))
    return int(first["dimensions"][0])


def _exported_row(dimensions: int) -> np.dtype[Any]:
    return np.dtype([("fields", ">i2"), *_ID, *_embedding(dimensions)])


def _embedding(dimensions: int) -> _Fields:
    return [
        ("embedding_bytes", ">i4"),
        ("dimensions", ">i2"),
        ("unused", ">i2"),
        ("embedding", ">f4", dimensions),
    ]
