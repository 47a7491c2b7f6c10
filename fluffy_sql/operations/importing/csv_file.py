"""Reads `.csv` files: paths and embeddings, or the paths that go with an `.npy` file."""

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.errors import ImportFileError
from fluffy_sql.operations.importing import batches
from fluffy_sql.operations.importing.source import Source
from fluffy_sql.words import count

# 16,000 numbers of 24 characters, the longest that Python writes, with commas and spaces: 416,000.
_LONGEST_FIELD = 500_000
_LONGEST_LINE = 1_000_000
_BARE_RETURN = "lines end in a carriage return alone; end them in a line feed"


class CsvRow(NamedTuple):
    """`number` is 1 for the first row below the header."""

    number: int
    line: int
    values: list[str]


def read_csv(file: Source) -> Iterator[batches.Batch]:
    """The rows of a file with the columns `path` and `embedding`."""
    rows = csv_rows(file, ("path", "embedding"))
    dimensions = None
    while batch := list(islice(rows, batches.ROWS_PER_BATCH)):
        places = [batches.place(file, row.number, row.line, path=row.values[0]) for row in batch]
        embeddings = []
        for row, where in zip(batch, places, strict=True):
            path, text = row.values
            batches.check_path(path, batches.place(file, row.number, row.line))
            numbers = _parse_embedding(text, where)
            dimensions = batches.check_dimensions(len(numbers), dimensions, where)
            embeddings.append(numbers)
        yield batches.Batch(
            first_row=batch[0].number,
            lines=[row.line for row in batch],
            paths=[row.values[0] for row in batch],
            vectors=batches.as_float32(np.stack(embeddings), places),
        )


def _parse_embedding(text: str, where: str) -> NDArray[np.float64]:
    """A JSON array of numbers, which is also how pgvector writes a vector."""
    try:
        # Whole numbers as floats too: a long one as int would overflow later, or take forever.
        numbers = json.loads(text, parse_int=float)
    except (ValueError, RecursionError):
        numbers = None
    if not isinstance(numbers, list) or not all(type(number) is float for number in numbers):
        found = "missing" if not text.strip() else "not a list of numbers"
        raise ImportFileError(f"{where}: the embedding is {found}; allowed: as in [0.1,0.2]")
    return np.array(numbers, dtype=np.float64)


def csv_rows(file: Source, columns: Sequence[str]) -> Iterator[CsvRow]:
    """The values of some columns, row by row. Blank lines are no rows."""
    with _long_fields(), file.open() as stream:
        rows = _located_rows(file, stream)
        header = next(rows, None)
        if header is None:
            raise ImportFileError(f"{file}: holds blank lines only")
        positions = [batches.column_position(column, header.values, file) for column in columns]
        for row in rows:
            if len(row.values) != len(header.values):
                raise ImportFileError(_explain_fields(file, row, header.values))
            yield row._replace(values=[row.values[position] for position in positions])


def _explain_fields(file: Source, row: CsvRow, header: list[str]) -> str:
    found = row.values
    path = dict(zip(header, found, strict=False)).get("path")
    where = batches.place(file, row.number, row.line, path=path)
    advice = "quote a field that holds a comma"
    if len(found) < len(header):
        advice = batches.find_separator(found, lambda fields: len(fields) == len(header)) or (
            f"missing: {', '.join(header[len(found) :])}"
        )
    elif any(field.lstrip().startswith('"') for field in found):
        advice = "leave out the blank before a quote, which is no quote then"
    return (
        f"{where}: has {count(len(found), 'field')} but the header names"
        f" {count(len(header), 'column')}; {advice}"
    )


def _located_rows(file: Source, stream: BinaryIO) -> Iterator[CsvRow]:
    """All rows that are not blank, the header as number 0, with the line each begins on."""
    reader = csv.reader(_decoded_lines(file, stream), strict=True)
    number = 0
    while True:
        line = reader.line_num + 1
        try:
            values = next(reader, None)
        except csv.Error as error:
            found = f"is not CSV: {error}"
            if "new-line" in found:
                found = _BARE_RETURN
            elif "expected after" in found:
                found += "; separate fields by commas, and double a quote inside of one"
            raise ImportFileError(f"{file}, line {line}: {found}") from None
        if values is None:
            return
        if values:
            yield CsvRow(number, line, values)
            number += 1


def _decoded_lines(file: Source, stream: BinaryIO) -> Iterator[str]:
    """Lines as text. Decoded one by one, to know which line is wrong, and bounded in length."""
    for number, line in enumerate(iter(lambda: stream.readline(_LONGEST_LINE), b""), start=1):
        if len(line) == _LONGEST_LINE:
            found = f"is longer than {_LONGEST_LINE:,} bytes; is this a CSV?"
            if b"\r" in line:
                found = _BARE_RETURN
            raise ImportFileError(f"{file}, line {number}: {found}")
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise ImportFileError(
                f"{file}, line {number}: is not UTF-8 ({error.reason}); save the file as UTF-8"
            ) from None


@contextmanager
def _long_fields() -> Iterator[None]:
    """Lets the csv module read long embeddings: its limit of 131,072 characters is global."""
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)
