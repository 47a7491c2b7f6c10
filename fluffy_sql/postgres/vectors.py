"""The one place where pgvector's binary format meets NumPy.

pgvector's own client converts one vector at a time through Python objects. A step sends k centroids
and receives k averages for each of its ranges, so here a whole `vector[]` is encoded by one NumPy
operation (200 x 768: 99 ms as text, 9 ms by one object each, under 1 ms so), and a vector is read
as an array without a copy of its own.

Format of a vector: int16 dimensions, int16 unused, then big-endian float4 (pgvector, vector_send).
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pgvector.psycopg.vector import register_vector_info
from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format
from psycopg.types import TypeInfo

_VECTOR_HEADER = 4
# Postgres's own types have the same oids everywhere.
_INTEGER_OID = 23
_INTEGER_ARRAY_OID = 1007
_TID_OID = 27
_TID_ARRAY_OID = 1010
_INTEGER_ELEMENT = np.dtype([("bytes", ">i4"), ("x", ">i4")])
# Dimensions, flags and type; length and first place of the one dimension.
_ARRAY_HEADER = 20


@dataclass(frozen=True)
class VectorArray:
    """Rows of a matrix as a Postgres `vector[]`, encoded once and sent many times.

    Attributes:
        encoded: the array in Postgres's binary format, for the type it was made for.
    """

    encoded: bytes | bytearray

    @classmethod
    def of(cls, matrix: NDArray[np.float32], vector_oid: int) -> Self:
        """Encodes a matrix of shape (rows, dimensions)."""
        rows, dimensions = matrix.shape
        header = struct.pack("!iiIii", 1 if rows else 0, 0, vector_oid, rows, 1)
        if not rows:
            return cls(header[:12])
        element = np.dtype(
            [("bytes", ">i4"), ("dimensions", ">i2"), ("unused", ">i2"), ("x", ">f4", dimensions)]
        )
        # Written in place: copies of a few MB each would be the peak of a run with many centroids.
        encoded = bytearray(len(header) + rows * element.itemsize)
        encoded[: len(header)] = header
        elements = np.frombuffer(encoded, dtype=element, offset=len(header))
        elements["bytes"] = _VECTOR_HEADER + 4 * dimensions
        elements["dimensions"] = dimensions
        elements["x"] = matrix
        return cls(encoded)


@dataclass(frozen=True)
class IntegerArray:
    """Numbers as a Postgres `integer[]`: psycopg takes a microsecond for each in a list.

    Attributes:
        encoded: the array in Postgres's binary format.
    """

    encoded: bytes

    @classmethod
    def of(cls, numbers: NDArray[np.int32]) -> Self:
        """Encodes numbers of shape (n,)."""
        return cls(_encoded(numbers, ">i4", _INTEGER_OID))


@dataclass(frozen=True)
class TidArray:
    """Where rows are on disk, as a Postgres `tid[]`.

    Attributes:
        encoded: the array in Postgres's binary format.
    """

    encoded: bytes

    @classmethod
    def of(cls, tids: NDArray[np.void]) -> Self:
        """Encodes what tidsend made, 6 bytes each, of shape (n,)."""
        return cls(_encoded(tids, "V6", _TID_OID))


def _encoded(values: NDArray[Any], kind: str, oid: int) -> bytes:
    """Values of shape (n,) as a Postgres array of this type, each as NumPy writes this kind."""
    elements = np.empty(len(values), dtype=[("bytes", ">i4"), ("x", kind)])
    elements["bytes"] = elements.dtype["x"].itemsize
    elements["x"] = values
    return struct.pack("!iiIii", 1, 0, oid, len(values), 1) + elements.tobytes()


def encoded_bytes(parameters: Mapping[str, object]) -> int:
    """How long the arrays among the parameters of a statement are."""
    arrays = [value for value in parameters.values() if isinstance(value, _ENCODED)]
    return sum(len(array.encoded) for array in arrays)


_ENCODED = (VectorArray, IntegerArray, TidArray)


class _EncodedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: VectorArray | IntegerArray | TidArray) -> Buffer:
        return obj.encoded


class _IntegerArrayDumper(_EncodedDumper):
    oid = _INTEGER_ARRAY_OID


class _TidArrayDumper(_EncodedDumper):
    oid = _TID_ARRAY_OID


class _VectorLoader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[np.float32]:
        return np.frombuffer(data, dtype=">f4", offset=_VECTOR_HEADER).astype(np.float32)


class _IntegerArrayLoader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[np.int32]:
        if len(data) < _ARRAY_HEADER:  # an empty array has no dimension
            return np.empty(0, dtype=np.int32)
        elements = np.frombuffer(data, dtype=_INTEGER_ELEMENT, offset=_ARRAY_HEADER)
        return elements["x"].astype(np.int32)


def register_vectors(connection: Connection[Any], oid: int, array_oid: int) -> None:
    """Teaches a connection the types `vector` and `vector[]`, which have these oids there."""
    register_vector_info(connection, TypeInfo("vector", oid, array_oid))
    connection.adapters.register_loader(oid, _VectorLoader)
    # A dumper names its type by class attribute; the oid differs from database to database.
    dumper = type("VectorArrayDumper", (_EncodedDumper,), {"oid": array_oid})
    connection.adapters.register_dumper(VectorArray, dumper)
    connection.adapters.register_dumper(IntegerArray, _IntegerArrayDumper)
    connection.adapters.register_dumper(TidArray, _TidArrayDumper)
    connection.adapters.register_loader(_INTEGER_ARRAY_OID, _IntegerArrayLoader)


# What pgvector keeps at most.
LONGEST_VECTOR = 16_000


def fingerprint_vector(dimensions: int) -> NDArray[np.float32]:
    """Numbers between -1 and 1 that follow no pattern, always the same (Knuth's hash).

    The inner product with an embedding is its fingerprint. A shorter one begins a longer one.
    """
    scrambled = (np.arange(1, dimensions + 1, dtype=np.uint64) * np.uint64(2_654_435_761)) % 2**32
    return (scrambled / 2**31 - 1).astype(np.float32)
