"""Files of embeddings, good and bad. No database."""

import csv
import errno
import gzip
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fluffy_sql.errors import ImportFileError, MissingExtraError, UsageError
from fluffy_sql.operations.importing.batches import ROWS_PER_BATCH, Batch
from fluffy_sql.operations.importing.readers import EmbeddingFile, find_file
from fluffy_sql.operations.importing.source import Source
from tests.conftest import SHARED_DATA


@dataclass(frozen=True)
class Rows:
    """All batches of a file together."""

    lines: list[int | None]
    paths: list[str]
    vectors: NDArray[np.float32]


def read_batches(file: Path, paths: Path | None) -> Iterator[Batch]:
    return find_file(file, paths).batches()


def joined(batches: list[Batch]) -> Rows:
    return Rows(
        [line for batch in batches for line in batch.lines],
        [path for batch in batches for path in batch.paths],
        np.concatenate([batch.vectors for batch in batches]),
    )


def read(file: Path, paths: Path | None = None) -> Rows:
    return joined(list(read_batches(file, paths)))


def refusal(file: Path, paths: Path | None = None) -> str:
    """The message a file is refused with, without its folder; always one line."""
    with pytest.raises((ImportFileError, UsageError)) as refused:
        list(read_batches(file, paths))
    message = str(refused.value)
    assert "\n" not in message
    return message.replace(f"{file.parent}/", "")


def npy(folder: Path, array: NDArray[Any], name: str = "v.npy") -> Path:
    np.save(folder / name, array)
    return folder / name


def text(folder: Path, name: str, content: str | bytes) -> Path:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def paths_csv(folder: Path, rows: int) -> Path:
    return text(folder, "p.csv", "path\n" + "".join(f"{i}.jpg\n" for i in range(rows)))


def parquet(folder: Path, name: str = "v.parquet", **columns: Any) -> Path:
    pq.write_table(pa.table(columns), folder / name)
    return folder / name


# --- good files ---


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_of_every_float_and_order_reads_as_it_was_written(
    tmp_path: Path, dtype: str, order: str
) -> None:
    rows = ROWS_PER_BATCH + 3
    array = np.asarray(np.random.default_rng(0).normal(size=(rows, 4)), dtype, order=order)  # type: ignore[call-overload]
    got = read(npy(tmp_path, array), paths_csv(tmp_path, rows))
    assert got.vectors.dtype == np.float32
    np.testing.assert_array_equal(got.vectors, array.astype(np.float32))
    assert got.paths == [f"{i}.jpg" for i in range(rows)]
    assert got.lines == list(range(2, rows + 2))


def test_batches_number_their_rows_and_stay_small(tmp_path: Path) -> None:
    rows = 2 * ROWS_PER_BATCH + 1
    file = npy(tmp_path, np.zeros((rows, 1), np.float32))
    batches = list(read_batches(file, paths_csv(tmp_path, rows)))
    assert [batch.first_row for batch in batches] == [1, ROWS_PER_BATCH + 1, 2 * ROWS_PER_BATCH + 1]
    assert [len(batch.vectors) for batch in batches] == [ROWS_PER_BATCH, ROWS_PER_BATCH, 1]


def resident_bytes(file: Path) -> int:
    """How much of a mapped file this process holds in memory."""
    smaps = Path("/proc/self/smaps")
    if not smaps.exists():
        pytest.skip("this system does not tell how much of a mapping is in memory")
    mappings = smaps.read_text(encoding="utf-8").split(f" {file}\n")[1:]
    return sum(1024 * int(mapping.split("Rss:")[1].split()[0]) for mapping in mappings)


def test_memory_does_not_grow_with_an_npy_file(tmp_path: Path) -> None:
    rows = 120 * ROWS_PER_BATCH
    file = npy(tmp_path, np.zeros((rows, 256), np.float32))
    batches = read_batches(file, paths_csv(tmp_path, rows))
    held = [resident_bytes(file) for number, _ in enumerate(batches) if number % 10 == 9]
    assert len(held) == 12
    # a batch is 512 kB, but a kernel may map 2 MB and more at a time
    assert 0 < max(held) < file.stat().st_size / 5


def test_memory_does_not_grow_with_a_row_group_of_parquet(tmp_path: Path) -> None:
    numbers = pa.array(np.random.default_rng(0).random(20_000 * 256, np.float32))
    names = [f"{i}.jpg" for i in range(20_000)]
    file = parquet(tmp_path, path=names, embedding=pa.FixedSizeListArray.from_arrays(numbers, 256))
    assert pq.read_metadata(file).num_row_groups == 1
    del numbers
    before = pa.total_allocated_bytes()
    held = [pa.total_allocated_bytes() - before for _ in read_batches(file, None)]
    assert max(held) < file.stat().st_size / 3


def test_paths_may_hold_commas_quotes_newlines_and_any_script(tmp_path: Path) -> None:
    wanted = ["a,b.jpg", 'say "x".jpg', "two\nlines.jpg", "写真/🐈.jpg", " kept "]
    stream = io.StringIO()
    writer = csv.writer(stream)
    # The mark at the start of a file is no part of the first column's name.
    writer.writerow(["path", "label"])
    writer.writerows((path, "x") for path in wanted)
    paths = text(tmp_path, "p.csv", "\ufeff" + stream.getvalue())
    got = read(npy(tmp_path, np.zeros((5, 2), np.float32)), paths)
    assert got.paths == wanted
    assert got.lines == [2, 3, 4, 6, 7]


def test_blank_lines_of_a_csv_are_no_rows(tmp_path: Path) -> None:
    got = read(text(tmp_path, "v.csv", "path,embedding\r\n\r\na,[1]\r\n\r\nb,[2]\r\n\r\n"))
    assert got.paths == ["a", "b"]
    assert got.lines == [3, 5]


def test_csv_reads_json_and_the_text_of_pgvector(tmp_path: Path) -> None:
    content = 'embedding,path\n"[0.1,-2,3e-05]",a\n"[ 1.5, 2, 1E2 ]",b\n'
    got = read(text(tmp_path, "v.csv", content))
    np.testing.assert_array_equal(
        got.vectors, np.array([[0.1, -2, 3e-05], [1.5, 2, 100]], np.float32)
    )


def test_csv_takes_the_longest_embedding_pgvector_holds(tmp_path: Path) -> None:
    numbers = [-1.2345678901234567e-10] * 16_000
    csv.field_size_limit(131_072)
    got = read(text(tmp_path, "v.csv", f'path,embedding\na,"{json.dumps(numbers)}"\n'))
    assert got.vectors.shape == (1, 16_000)
    assert csv.field_size_limit() == 131_072


@pytest.mark.parametrize(
    "type_",
    [
        pa.list_(pa.float16()),
        pa.list_(pa.float32()),
        pa.list_(pa.float64()),
        pa.large_list(pa.float32()),
        pa.list_(pa.float16(), 3),
        pa.list_(pa.float32(), 3),
        pa.list_view(pa.float32()),
        pa.large_list_view(pa.float64()),
        pa.list_(pa.int64()),
        pa.list_(pa.int8(), 3),
        pa.large_list(pa.uint8()),
    ],
    ids=str,
)
def test_parquet_of_every_list_of_numbers(tmp_path: Path, type_: pa.DataType) -> None:
    rows = ROWS_PER_BATCH + 3
    array = np.random.default_rng(0).integers(0, 8, size=(rows, 3)).astype(np.float16)
    names = [f"{i}.jpg" for i in range(rows)]
    whole = pa.types.is_integer(type_.value_type)
    numbers = pa.array(list(array.astype(int) if whole else array), type_)
    got = read(parquet(tmp_path, path=names, embedding=numbers, extra=names))
    np.testing.assert_array_equal(got.vectors, array.astype(np.float32))
    assert got.paths == names
    assert set(got.lines) == {None}


@pytest.mark.parametrize(
    "type_",
    [
        *(pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())),
        pa.dictionary(pa.int8(), pa.large_string()),
    ],
    ids=str,
)
def test_parquet_with_paths_of_every_kind_of_text(tmp_path: Path, type_: pa.DataType) -> None:
    paths = pa.array(["a", "b", "a"], type_)
    assert read(parquet(tmp_path, path=paths, embedding=[[1.0]] * 3)).paths == ["a", "b", "a"]


def test_parquet_with_tensors(tmp_path: Path) -> None:
    lists = pa.array([[1.0, 2.0]], pa.list_(pa.float32(), 2))
    tensors = pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(pa.float32(), [2]), lists)
    assert read(parquet(tmp_path, path=["a"], embedding=tensors)).vectors.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize("kind", ["npy", "csv", "parquet"])
def test_a_file_without_rows_has_no_batch(tmp_path: Path, kind: str) -> None:
    files: dict[str, Callable[[], tuple[Path, Path | None]]] = {
        "npy": lambda: (npy(tmp_path, np.zeros((0, 8), np.float32)), paths_csv(tmp_path, 0)),
        "csv": lambda: (text(tmp_path, "v.csv", "path,embedding\n"), None),
        "parquet": lambda: (
            parquet(
                tmp_path,
                path=pa.array([], pa.string()),
                embedding=pa.array([], pa.list_(pa.float32())),
            ),
            None,
        ),
    }
    assert list(read_batches(*files[kind]())) == []


def test_suffixes_may_be_capital(tmp_path: Path) -> None:
    assert read(text(tmp_path, "V.CSV", "path,embedding\na,[1]\n")).paths == ["a"]


@pytest.mark.parametrize(
    ("folder", "shape"), [("caltech101", (4114, 512)), ("dinov2-esthetics", (710, 384))]
)
def test_real_embeddings(folder: str, shape: tuple[int, int]) -> None:
    data = SHARED_DATA / folder
    if not data.is_dir():
        pytest.skip(f"the sample data {folder} is not beside this checkout")
    got = read(data / "embeddings.npy", data / "photos.csv")
    assert got.vectors.shape == shape
    assert len(set(got.paths)) == shape[0]


# --- bad calls ---


def test_npy_needs_paths_and_other_files_refuse_them(tmp_path: Path) -> None:
    table = text(tmp_path, "v.csv", "path,embedding\n")
    with pytest.raises(UsageError, match=r"v\.npy holds no paths; add --paths"):
        find_file(npy(tmp_path, np.zeros((1, 1))))
    for name in ("v.csv", "v.parquet"):
        with pytest.raises(UsageError, match=r"--paths goes with an \.npy file only"):
            find_file(text(tmp_path, name, "x"), table)


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "fluffy_sql.operations.importing.parquet_file", raising=False)
    file = text(tmp_path, "v.parquet", "x")
    with pytest.raises(MissingExtraError, match=r'pip install "fluffy_sql\[parquet\]"'):
        read_batches(file, None)


# --- bad files ---

NOT_FINITE = "the embedding holds NaN, null or infinity"
TOO_LARGE = "the embedding holds a number beyond the range of float32"
NO_ARRAY = "v.npy: is not a complete .npy array of numbers: "


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone.npy", "gone.npy: there is no such file"),
        ("empty.npy", "empty.npy: is empty"),
        ("gone.txt", "gone.txt: there is no such file"),
        ("folder.npy", "folder.npy: is a folder; name the file in it"),
        ("v.txt", "v.txt: what it holds is not known; add --format npy, csv or parquet"),
        ("v", "v: what it holds is not known; add --format npy, csv or parquet"),
    ],
)
def test_files_that_are_no_files(tmp_path: Path, name: str, message: str) -> None:
    for made in ("empty.npy", "v.txt", "v"):
        (tmp_path / made).touch()
    (tmp_path / "folder.npy").mkdir()
    assert refusal(tmp_path / name, paths_csv(tmp_path, 1)) == message


def test_a_file_that_is_not_there_is_missed_before_anything_else(tmp_path: Path) -> None:
    file = npy(tmp_path, np.zeros((1, 1)))
    assert refusal(tmp_path / "gone.npy") == "gone.npy: there is no such file"
    assert refusal(file, tmp_path / "gone.csv") == "gone.csv: there is no such file"
    assert refusal(text(tmp_path, "v.txt", "x"), tmp_path / "gone.csv").startswith("gone.csv: ")
    assert refusal(file, tmp_path) == f"{tmp_path}: is a folder; name the file in it"


def test_a_file_of_any_name_whose_format_is_said(tmp_path: Path) -> None:
    table = text(tmp_path, "v.dat", "path,embedding\na,[1]\n")
    assert joined(list(find_file(table, kind="csv").batches())).paths == ["a"]
    array = npy(tmp_path, np.ones((1, 2), np.float32)).rename(tmp_path / "v.bin")
    assert len(list(find_file(array, paths_csv(tmp_path, 1), "npy").batches())) == 1


def nested(*rows: list[float]) -> NDArray[np.float64]:
    return np.array(rows, np.float64)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(3, np.float32), ": has the shape (3,); allowed: (photos, dimensions)"),
        (np.float32(3), ": has the shape (); allowed: (photos, dimensions)"),
        (
            np.zeros((3, 1, 2), np.float32),
            ": has the shape (3, 1, 2); allowed: (photos, dimensions)",
        ),
        (
            np.full((3, 2), 2**24 + 1),
            ", row 1 ('0.jpg'): the embedding holds a whole number beyond those of float32",
        ),
        (np.zeros((3, 2), bool), ": holds bool; allowed: float16, float32, float64, whole numbers"),
        (
            np.zeros((3, 2), np.longdouble),
            f": holds {np.dtype(np.longdouble)}; allowed: float16, float32, float64, whole numbers",
        ),
        (np.zeros((3, 0), np.float32), ": has 0 dimensions; allowed: 1 to 16,000"),
        (np.zeros((3, 16_001), np.float16), ": has 16,001 dimensions; allowed: 1 to 16,000"),
        (nested([1, 1], [1, float("nan")], [1, 1]), ", row 2 ('1.jpg'): " + NOT_FINITE),
        (nested([1, 1], [1, 1], [float("-inf"), 1]), ", row 3 ('2.jpg'): " + NOT_FINITE),
        (nested([1, 1], [-1e39, 1], [1, 1]), ", row 2 ('1.jpg'): " + TOO_LARGE),
    ],
)
def test_bad_arrays(tmp_path: Path, array: NDArray[Any], message: str) -> None:
    assert refusal(npy(tmp_path, array), paths_csv(tmp_path, 3)) == f"v.npy{message}"


@pytest.mark.parametrize("rows", [2, 4])
def test_an_array_of_another_length_than_its_paths(tmp_path: Path, rows: int) -> None:
    assert refusal(npy(tmp_path, np.ones((rows, 1))), paths_csv(tmp_path, 3)) == (
        f"p.csv: has 3 rows but v.npy has {rows} vectors; row i of one must be row i of the other"
    )


def test_a_bad_row_far_into_a_file_is_counted_from_its_start(tmp_path: Path) -> None:
    rows = 2 * ROWS_PER_BATCH
    array = np.zeros((rows, 2), np.float32)
    array[-1, -1] = np.nan
    message = refusal(npy(tmp_path, array), paths_csv(tmp_path, rows))
    assert message == f"v.npy, row {rows} ('{rows - 1}.jpg'): {NOT_FINITE}"


class Tripwire:
    """Unpickling one writes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.file,)


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    array = np.array([[Tripwire(tmp_path / "sprung")]], dtype=object)
    file = tmp_path / "v.npy"
    np.save(file, array, allow_pickle=True)
    assert refusal(file, paths_csv(tmp_path, 1)).startswith(NO_ARRAY)
    array.dump(file)
    assert refusal(file, paths_csv(tmp_path, 1)).startswith(NO_ARRAY)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("cut", [-1, -24, 100, 9])
def test_truncated_npy(tmp_path: Path, cut: int) -> None:
    file = npy(tmp_path, np.zeros((3, 2), np.float32))
    file.write_bytes(file.read_bytes()[:cut])
    assert refusal(file, paths_csv(tmp_path, 3)).startswith(NO_ARRAY)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "'''",
        "(" * 300,
        "-" * 5000 + "1",
        "1\n  2\n 3",
        "{[]: 1}",
        "{1: 2, 'a': 3}",
        "{'descr': (), 'fortran_order': False, 'shape': (1, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (True, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000000000000000, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4)}",
    ],
)
def test_npy_headers_that_mean_nothing(tmp_path: Path, header: str) -> None:
    start = b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header.encode()
    file = text(tmp_path, "v.npy", start + bytes(12))
    assert refusal(file, paths_csv(tmp_path, 1)).startswith(NO_ARRAY)


def test_npy_with_more_than_its_header_promises(tmp_path: Path) -> None:
    file = npy(tmp_path, np.zeros((3, 2), np.float32))
    file.write_bytes(file.read_bytes() + b"\0")
    expected = "v.npy: has 153 bytes but its header promises 152; write it again"
    assert refusal(file, paths_csv(tmp_path, 3)) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("label\n", ": has no column path; it has: label"),
        ("path,label\n", ": has no column embedding; it has: path, label"),
        ("path,embedding,path\n", ": has the column path twice; keep one"),
        ("\n\n", ": holds blank lines only"),
        ("path,embedding\n,[1]\n", ", row 1 (line 2): the path is empty"),
        ("path,embedding\na,[1]\n\n  ,[1]\n", ", row 2 (line 4): the path is empty"),
        (
            "path,embedding\na\0b,[1]\n",
            ", row 1 (line 2): the path holds a NUL character, which Postgres can't store",
        ),
        (
            "path,embedding\na,[1]\nb\n",
            ", row 2 (line 3, 'b'): has 1 field but the header names 2 columns; missing: embedding",
        ),
        (
            "path,embedding\na,b.jpg,[1]\n",
            ", row 1 (line 2, 'a'): has 3 fields but the header names 2 columns;"
            " quote a field that holds a comma",
        ),
        (
            'path,embedding\na, "[1,2]"\n',
            ", row 1 (line 2, 'a'): has 3 fields but the header names 2 columns;"
            " leave out the blank before a quote, which is no quote then",
        ),
        (
            "path,embedding\na;[1]\n",
            ", row 1 (line 2, 'a;[1]'): has 1 field but the header names 2 columns;"
            " its fields are separated by semicolons; separate them by commas",
        ),
        (
            'path,embedding\na,[1]\nb,"[1,2]"\n',
            ", row 2 (line 3, 'b'): the embedding has 2 numbers but that of row 1 has 1;"
            " embed all photos with one model",
        ),
        ("path,embedding\na,[]\n", ", row 1 (line 2, 'a'): has 0 dimensions; allowed: 1 to 16,000"),
        (
            "path,embedding\na,\n",
            ", row 1 (line 2, 'a'): the embedding is missing; allowed: as in [0.1,0.2]",
        ),
        ("path,embedding\na,[1e39]\n", ", row 1 (line 2, 'a'): " + TOO_LARGE),
        ("path,embedding\na,[1]\nb,[NaN]\n", ", row 2 (line 3, 'b'): " + NOT_FINITE),
        (f"path,embedding\na,[{'9' * 5000}]\n", ", row 1 (line 2, 'a'): " + NOT_FINITE),
        (b"path,embedding\n\xff,[1]\n", ", line 2: is not UTF-8 (invalid start byte)"),
        (
            "path, embedding\na,[1]\n",
            ": the name of the column ' embedding' has a blank around it;",
        ),
        ("path\xa0,embedding\n", ": the name of the column 'path\\xa0' has a blank around it;"),
        ("\ufeff\ufeffpath,embedding\n", ": the name of the column is '\\ufeffpath'; change it to"),
        ("Path,Embedding\n", ": the name of the column is 'Path'; change it to 'path'"),
        ('path, "embedding"\n', ": the name of the column is ' \"embedding\"'; change it to"),
        ("path;embedding\na;[1]\n", ": its fields are separated by semicolons; separate them by"),
        ("path\tembedding\na\t[1]\n", ": its fields are separated by tabs; separate them by"),
        (
            '"path"\t"embedding"\na\t[1]\n',
            ", line 1: is not CSV: ',' expected after '\"'; separate fields by commas, and double",
        ),
        ("path | embedding\na | [1]\n", ": its fields are separated by vertical bars; separate"),
        ("path,embedding\ra,[1]\r", ", line 1: lines end in a carriage return alone; end them in"),
        ('"path","embedding"\r"a","[1]"\r', ", line 1: lines end in a carriage return alone; end"),
        (
            f"path,embedding\r{'a,[1]' + chr(13)}" * 90_000,
            ", line 1: lines end in a carriage return",
        ),
        ("path,embedding\n".encode("utf-16"), ": is text in UTF-16, not CSV; save it as UTF-8"),
        ("path,embedding\n".encode("utf-16-le"), ": is text in UTF-16, not CSV; save it as UTF-8"),
        ("path,embedding\n".encode("utf-16-be"), ": is text in UTF-16, not CSV; save it as UTF-8"),
        (
            b"PK\3\4...",
            ": is a zip file, such as Excel (.xlsx) and numpy.savez (.npz) write, not CSV",
        ),
        (gzip.compress(b"path", mtime=0), ": is compressed by gzip, not CSV; unpack it"),
        (b"PAR1...", ": is parquet, not CSV; add --format parquet"),
        (b"\x93NUMPY\1\0", ": is an .npy array, not CSV; add --format npy"),
        ('path,embedding\na,"[1]\n', ", line 2: is not CSV: unexpected end of data"),
        ('path,embedding\na,"[1]"x\n', ", line 2: is not CSV: ',' expected after '\"'"),
        (
            f"path,embedding\na,{'1' * 500_001}\n",
            ", line 2: is not CSV: field larger than field limit (500000)",
        ),
        (f"path,embedding\na,{'1' * 1_000_000}\n", ", line 2: is longer than 1,000,000 bytes"),
    ],
)
def test_bad_csv(tmp_path: Path, content: str | bytes, message: str) -> None:
    assert refusal(text(tmp_path, "v.csv", content)).startswith(f"v.csv{message}")


@pytest.mark.parametrize(
    "embedding", ["x", "1", "[1", "{}", '["1"]', "[true]", "[null]", "[[1]]", "[" * 90_000, "null"]
)
def test_embeddings_that_are_no_list_of_numbers(tmp_path: Path, embedding: str) -> None:
    quoted = embedding.replace('"', '""')
    file = text(tmp_path, "v.csv", f'path,embedding\na,"{quoted}"\n')
    assert refusal(file) == (
        "v.csv, row 1 (line 2, 'a'): the embedding is not a list of numbers;"
        " allowed: as in [0.1,0.2]"
    )


def test_bad_paths_beside_an_array(tmp_path: Path) -> None:
    file = npy(tmp_path, np.zeros((2, 2), np.float32))
    for content, message in (
        ("file\na\nb\n", "p.csv: has no column path; it has: file"),
        ("path,label\na,x\n,x\n", "p.csv, row 2 (line 3): the path is empty"),
    ):
        assert refusal(file, text(tmp_path, "p.csv", content)) == message


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"embedding": [[1.0]]}, ": has no column path; it has: embedding"),
        ({"path": ["a"], "x": [[1.0]]}, ": has no column embedding; it has: path, x"),
        ({"path": [1], "embedding": [[1.0]]}, ": the column path is int64; allowed: string"),
        (
            {"path": ["a"], "embedding": [["1"]]},
            ": the column embedding is list<element: string>; allowed: a list of float16,"
            " float32, float64 or whole numbers",
        ),
        (
            {"path": ["a"], "embedding": ["[1]"]},
            ": the column embedding is string; allowed: a list of float16, float32, float64 or"
            " whole numbers",
        ),
        (
            {"path": ["a"], "embedding": [[2**24 + 1]]},
            ", row 1 ('a'): the embedding holds a whole number beyond those of float32",
        ),
        ({"path": ["a", None], "embedding": [[1.0], [1.0]]}, ", row 2: the path is missing"),
        (
            {"path": ["a", "b"], "embedding": [[1.0], None]},
            ", row 2 ('b'): the embedding is missing",
        ),
        ({"path": ["a", "b"], "embedding": [[1.0], [None]]}, ", row 2 ('b'): " + NOT_FINITE),
        (
            {"path": ["a", "b"], "embedding": [[1.0], [1.0, 2.0]]},
            ", row 2 ('b'): the embedding has 2 numbers but that of row 1 has 1;"
            " embed all photos with one model",
        ),
        (
            {"path": ["a"], "embedding": pa.array([[]], pa.list_(pa.float32()))},
            ", row 1 ('a'): has 0 dimensions; allowed: 1 to 16,000",
        ),
        (
            {"path": ["a"], "embedding": [[0.0] * 16_001]},
            ", row 1 ('a'): has 16,001 dimensions; allowed: 1 to 16,000",
        ),
        ({"path": ["a"], "embedding": [[1e39]]}, ", row 1 ('a'): " + TOO_LARGE),
    ],
)
def test_bad_parquet(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    assert refusal(parquet(tmp_path, **columns)) == f"v.parquet{message}"


def test_parquet_that_is_none(tmp_path: Path) -> None:
    good = parquet(tmp_path, path=["a"], embedding=[[1.0]]).read_bytes()
    for content in (b"PAR1", good[:-9], b"PAR1" + good[4:-8] + b"\xff" * 4 + b"PAR1"):
        message = refusal(text(tmp_path, "v.parquet", content))
        assert message.startswith("v.parquet: can't be read as parquet: ")


def test_a_page_that_claims_a_gigabyte_gets_none(tmp_path: Path) -> None:
    file = parquet(tmp_path, path=["a"], embedding=[[1.0]])
    content = file.read_bytes()
    # A page begins with three numbers: its kind, its size unpacked and its size as it is here.
    assert content[4] == content[6] == content[8] == 0x15
    gigabyte = b"\x80\x80\x80\x80\x08"
    file.write_bytes(content[:9] + gigabyte + content[10:])
    assert refusal(file).startswith("v.parquet: can't be read as parquet: ")
    assert pa.default_memory_pool().max_memory() < 2**29


def test_no_room_for_a_copy_of_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", refuse)
    with text(tmp_path, "v", "PAR1...").open("rb") as stream:
        embeddings = EmbeddingFile(Source(Path("-"), "parquet", stream), None)
        with pytest.raises(ImportFileError) as refused:
            list(embeddings.batches())
    assert str(refused.value) == (
        f"stdin: can't be copied to {tempfile.gettempdir()}: No space left on device;"
        " name another folder in TMPDIR"
    )


# --- any bytes at all ---


def good_files(suffix: str) -> list[bytes]:
    """The bytes of small good files."""
    vectors = np.arange(12, dtype=np.float32).reshape(4, 3)
    if suffix == ".npy":
        return [_saved(vectors.astype(dtype)) for dtype in ("<f4", ">f8", "<f2")]
    if suffix == ".parquet":
        return [
            _written(vectors, compression=compression, use_dictionary=dictionary)
            for compression in ("none", "snappy", "gzip", "zstd")
            for dictionary in (True, False)
        ]
    rows = (b'%c,"%s"\n' % (97 + i, b"[0.5,1,2]") for i in range(4))
    return [b"path,embedding\n" + b"".join(rows), b"path\na\n\n'b'\n\"c,\nd\"\n"]


def _saved(vectors: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, vectors)
    return stream.getvalue()


def _written(vectors: NDArray[np.float32], **options: Any) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"path": list("abcd"), "embedding": list(vectors)}), stream, **options)
    return stream.getvalue()


# Sizes that lie: small numbers, negative ones and gigabytes, as text and as parquet writes them.
LIES = [b"", bytes(4), b"\xff" * 4, b"\x80\x80\x80\x80\x08", b"-1", b"9" * 12, b"1e400", b"nan"]


@st.composite
def damaged(draw: st.DrawFn, suffix: str) -> bytes:
    """Any bytes, or a good file of which some pieces are replaced by others."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    content = draw(st.sampled_from(good_files(suffix)))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 20)))
        piece = draw(
            st.binary(max_size=20)
            | st.sampled_from(LIES)
            | st.text("'(){}<>fio0123489,:-[]\"eNaT \n", max_size=40).map(str.encode)
        )
        content = content[:start] + piece + content[end:]
    return content


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".parquet", "paths of .npy"])
@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_bytes_are_read_or_refused(tmp_path: Path, suffix: str, data: st.DataObject) -> None:
    if suffix == "paths of .npy":
        file = npy(tmp_path, np.zeros((4, 3), np.float32))
        paths: Path | None = text(tmp_path, "p.csv", data.draw(damaged(".csv")))
    else:
        file = text(tmp_path, f"v{suffix}", data.draw(damaged(suffix)))
        paths = paths_csv(tmp_path, 4) if suffix == ".npy" else None
    batches, message = [], ""
    try:
        batches = list(read_batches(file, paths))
    except ImportFileError as error:
        message = str(error)
    assert len(message.splitlines()) <= 1
    for batch in batches:
        assert len(batch.paths) == len(batch.lines) == len(batch.vectors)
        assert all(batch.paths)
        assert np.isfinite(batch.vectors).all()
    assert pa.default_memory_pool().max_memory() < 2**29
